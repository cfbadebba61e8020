"""GRU4Rec: a recurrent network over sessions, trained in session-parallel mini-batches against a shared sample.

    h_t = dropout(GRU(dropout(e_(x_t)), h_(t-1))),    s_j = <h_t, w_j> + b_j

    cross-entropy:  -log softmax(s - kappa log q)_target        bpr-max:  -log sum_j w_j sigmoid(s_target - s_j) + lambda sum_j w_j s_j^2,
                                                                          w = softmax of s over the negatives

B. Hidasi, A. Karatzoglou, L. Baltrunas, D. Tikk. "Session-based Recommendations with Recurrent Neural Networks." ICLR 2016 (section 3).
B. Hidasi, A. Karatzoglou. "Recurrent Neural Networks with Top-k Gains for Session-based Recommendations." CIKM 2018 (sections 3 and 4).
B. Hidasi, A. T. Czapp. "The Effect of Third Party Implementations on Reproducibility." RecSys 2023 (the PyTorch version, followed here).

Deviations from the authors' PyTorch version: sessions that begin at the same moment are taken in the order of their ids (there: in an order
that depends on the processor). Initial values are drawn from the run's seed. In an epoch's last batches, which have fewer rows, only the
rows' own targets count as targets in the logq correction. Without embedding, the first layer's output is dropped with `dropout_p_hidden`,
as in the Theano version. `official_quirks` computes these last three as the PyTorch version does. Its defects (no training with unequal
layers or on fewer sessions than a batch has rows, a median rank that fails, NaN scores that count as hits) are not reproduced.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from turret.batches.sessions import SessionParallel
from turret.core.context import ALL, Context, Encoded, Query, Reads
from turret.core.contracts import Scorer, State
from turret.core.seeds import legacy_generator
from turret.data.prepared import Prepared
from turret.losses.shared import BprMax, CrossEntropy, SharedLoss, Weights
from turret.nn.gru import GRUCell, InputFreeGRUCell
from turret.nn.tables import Biased, Table
from turret.nn.unroll import unroll
from turret.sampling.shared import SharedPopularity
from turret.scorers.biased_dot import BiasedDot
from turret.training.config import Training
from turret.training.objectives.streaming import Streaming
from turret.training.optimizers.build import Updates
from turret.training.optimizers.rowwise import RowWise
from turret.training.optimizers.rules import MomentumAdagrad
from turret.training.procedures import Gradient
from turret.training.streamed import Streamed


class Config(BaseModel):
    """GRU4Rec's settings, by the names that its authors gave them (their n_epochs is epochs)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    layers: tuple[int, ...] = Field(default=(100,), min_length=1)
    """Widths of the recurrent layers, from the input up."""
    loss: Literal["cross-entropy", "bpr-max"] = "cross-entropy"
    """What the scores of a target and of the sample are compared by."""
    constrained_embedding: bool = True
    """Whether items are read by the same vectors that they are scored by."""
    embedding: int | Literal["layersize"] = 0
    """Otherwise: width of the vectors that items are read by; layersize is that of the first layer, and 0 has none: an item then is a row
    of the first layer's input weights."""
    dropout_p_embed: float = Field(default=0.0, ge=0, lt=1)
    """Probability with which a number of the vector that is read is dropped."""
    dropout_p_hidden: float = Field(default=0.0, ge=0, lt=1)
    """Probability with which a number of a layer's output is dropped, also in the state that the next step goes on from."""
    n_sample: int = Field(default=2048, ge=0)
    """Items drawn for all rows of a mini-batch together, beside the other rows' targets; 0 leaves these alone."""
    sample_alpha: float = Field(default=0.5, ge=0)
    """Items are drawn in proportion to their count to this power: 0 is uniform, 1 by popularity."""
    logq: float = Field(default=0.0, ge=0, le=2)
    """Strength of the correction of cross-entropy for how often each item is a target or drawn; 1 is full, 0 is none."""
    bpreg: float = Field(default=1.0, ge=0)
    """Weight of the score regularisation of bpr-max."""
    elu_param: float = Field(default=0.5, ge=0)
    """Scale of the ELU that bpr-max passes scores through; 0 leaves them linear."""
    bptt: int = Field(default=1, ge=1)
    """Steps that a gradient goes back (truncated backpropagation through time); the authors' code has 1. More are meant for whole histories
    of users."""
    official_quirks: bool = False
    """Whether what the authors' code computes differently from its papers is reproduced; see the file's head."""
    training: Training = Training(learner="adagrad_momentum", learning_rate=0.05, batch_size=64, epochs=10)
    """How it is trained; batch_size is the number of sessions side by side."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if min(self.layers) < 1:
            raise ValueError(f"layers {self.layers} should be widths of at least 1")
        if isinstance(self.embedding, int) and self.embedding < 0:
            raise ValueError("embedding should be 0, a width or layersize")
        if self.constrained_embedding and self.embedding:
            raise ValueError("constrained_embedding reads items by the vectors that they are scored by, so embedding should be 0")
        return self

    @property
    def read_width(self) -> int | None:
        """Width of the vectors that items are read by where they are not those that they are scored by; None: those, 0: none."""
        if self.constrained_embedding:
            return None
        return self.layers[0] if self.embedding == "layersize" else int(self.embedding)


class GRU4Rec(nn.Module):
    """Vectors that items are read by, recurrent layers, and vectors and biases that items are scored by.

    Args:
        n_items: I.
        layers: widths; the last is D.
        read_width: of the vectors that items are read by; None reads them by the vectors of the scores, 0 has none.
        dropout_p_embed: of the vectors that are read.
        dropout_p_hidden: of the outputs of layers.
        lookup_dropout: of the output of the first layer where `read_width` is 0.
    """

    def __init__(
        self,
        n_items: int,
        layers: tuple[int, ...],
        read_width: int | None = None,
        dropout_p_embed: float = 0.0,
        dropout_p_hidden: float = 0.0,
        lookup_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.reads = Reads(history=ALL)
        self.scorer: Scorer = BiasedDot()
        self.items, self.biases = Table(n_items, layers[-1]), Table(n_items, 1)
        self.inputs: Table | None = None
        if read_width is not None:
            self.inputs = Table(n_items, read_width or 3 * layers[0])
        self.widths = layers
        below = (layers[-1] if read_width is None else read_width, *layers[:-1])
        self.layers = nn.ModuleList(
            GRUCell(width, own) if width else InputFreeGRUCell(own) for width, own in zip(below, layers, strict=True)
        )
        self.dropout_p_embed = 0.0 if read_width == 0 else dropout_p_embed
        self.dropouts = [lookup_dropout if read_width == 0 else dropout_p_hidden] + [dropout_p_hidden] * (len(layers) - 1)
        self._begin()

    def _begin(self) -> None:
        """Every matrix is uniform in +-sqrt(6 / (rows + columns)) of one gate, and biases are 0."""
        nn.init.xavier_uniform_(self.items.weight)
        nn.init.zeros_(self.biases.weight)
        if self.inputs is not None:
            gates = 3 if isinstance(self.layers[0], InputFreeGRUCell) else 1
            for matrix in self.inputs.weight.chunk(gates, dim=1):
                nn.init.xavier_uniform_(matrix)

    def encode(self) -> Encoded:
        """The vectors and biases that items are scored by."""
        return Encoded(items=Biased(self.items, self.biases))

    def initial(self, rows: int) -> State:
        """Zeros, [rows, width] a layer."""
        return tuple(self.items.weight.new_zeros(rows, width) for width in self.widths)

    def step(self, items: Tensor, state: State, encoded: Encoded) -> tuple[Tensor, State]:
        """int64 [b], the state before -> h_t [b, D], the state after: every layer's output."""
        x = dropped((self.items if self.inputs is None else self.inputs)[items], self.dropout_p_embed, self.training)
        after = []
        for cell, h, p in zip(self.layers, state, self.dropouts, strict=True):
            x = dropped(cell(x, h), p, self.training)
            after.append(x)
        return x, tuple(after)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """[Q, D]: h after each step that is asked about; after an empty history the state that all begin with."""
        assert context.history is not None
        state = self.initial(len(context))
        outputs = [state[-1]]
        for state in unroll(self, context.history, encoded):
            if context.asked is not None:
                outputs.append(state[-1])
        if context.asked is None:
            return Query(state[-1])
        row, step = context.asked // context.history.items.shape[1], context.asked % context.history.items.shape[1]
        after = torch.where(context.history.mask.flatten()[context.asked], step + 1, 0)
        return Query(torch.stack(outputs)[after, row])


def dropped(x: Tensor, p: float, training: bool) -> Tensor:
    """Numbers dropped with probability p, the others scaled by 1 / (1 - p)."""
    return F.dropout(x, p, training) if p and training else x


def official_values(model: GRU4Rec) -> None:
    """The initial values of the authors' code: blocks of one gate each from NumPy's generator of old with the seed 42, always the same."""
    generator = legacy_generator(42)

    @torch.no_grad()
    def fill(*blocks: Tensor) -> None:
        for block in blocks:
            bound = torch.tensor(math.sqrt(6 / sum(block.shape)))
            block.copy_(torch.from_numpy(generator.random_sample(block.shape)).float() * 2 * bound - bound)

    for cell in [model.inputs, *model.layers, model.items]:
        if isinstance(cell, Table):
            fill(*cell.weight.chunk(3 if cell is model.inputs and isinstance(model.layers[0], InputFreeGRUCell) else 1, dim=1))
        elif isinstance(cell, InputFreeGRUCell):
            fill(*cell.weight_rz.chunk(2, dim=1), cell.weight_h)
        elif isinstance(cell, GRUCell):
            fill(*cell.weight_ih.chunk(3), *cell.weight_hh.chunk(3))


def build(config: Config, prepared: Prepared) -> GRU4Rec:
    """A GRU4Rec for the items that training saw."""
    lookup_dropout = config.dropout_p_embed if config.official_quirks else config.dropout_p_hidden
    model = GRU4Rec(prepared.n_items, config.layers, config.read_width, config.dropout_p_embed, config.dropout_p_hidden, lookup_dropout)
    if config.official_quirks:
        official_values(model)
    return model


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Sessions side by side, against the other rows' targets and a sample by popularity."""
    log, rows = prepared.train, config.training.batch_size
    counts, corrected = log.item_counts, config.loss == "cross-entropy"
    loss: SharedLoss = CrossEntropy() if corrected else BprMax(config.bpreg, config.elu_param)
    weights = Weights(counts, config.sample_alpha, config.logq if corrected else 0.0)
    sampler = SharedPopularity(counts, config.n_sample, config.sample_alpha) if config.n_sample else None
    batches = SessionParallel(log, rows, config.bptt, least=1 if config.n_sample else 2)
    objective = Streaming(loss, weights, sampler, rows, full_boundary=config.official_quirks)

    def compiled(model: GRU4Rec, optimizers: Sequence[Updates]) -> Streamed | None:
        cells, optimizer = [cell for cell in model.layers if isinstance(cell, GRUCell)], optimizers[0]
        plain = len(cells) == len(model.layers) and config.bptt == 1 and config.training.grad_clip_norm is None
        plain &= len(optimizers) == 1  # one L2 term, or none, for all parameters
        if not plain or not isinstance(optimizer, RowWise) or not isinstance(optimizer.rule, MomentumAdagrad):
            return None
        read, dropout = model.inputs or model.items, (model.dropout_p_embed, *model.dropouts)
        return Streamed(batches, objective, optimizer, model.items, model.biases, read, cells, dropout)

    return Gradient(
        batches=batches,
        objective=objective,
        training=config.training,
        replayed=True,
        compiled=compiled,
        threads=1 if rows * config.bptt * max(config.layers) < 1 << 15 else None,
    )
