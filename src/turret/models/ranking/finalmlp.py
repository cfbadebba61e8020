"""FinalMLP: two deep networks, each on its own choice of features, joined by a product.

    h_i = 2 sigmoid(gate_i(x_i)) * e,    e = the fields' vectors, one after the other,    x_i = the context of stream i
    o_i = MLP_i(h_i),    i = 1, 2
    y = b + <w_1, o_1> + <w_2, o_2> + sum over heads j of o_1j^T W_j o_2j,    o_ij = the j-th part of o_i
    minimise the binary cross-entropy of sigmoid(y)

K. Mao, J. Zhu, L. Su, G. Cai, Y. Li, Z. Dong. "FinalMLP: An Enhanced Two-Stream MLP Model for CTR Prediction." AAAI 2023,
arXiv:2304.00902 (stream-specific feature selection and stream-level interaction aggregation).

Deviations: the context's vectors are those that the streams read, where the authors' code gives the gates tables of their own. Sizes are
searched in the paper. It leaves open how weights begin: vectors and learnt contexts normal, the W_j Xavier-normal, the rest as torch has
it.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from turret.batches.schema import schema_of
from turret.core.context import Impressions, Reads
from turret.core.features import Schema
from turret.data.prepared import Prepared
from turret.nn.chosen import chosen
from turret.nn.fields import FieldVectors
from turret.nn.mlp import MLP
from turret.training.clicks import Clicks, from_clicks
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """FinalMLP's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=10, ge=1)
    """Width of each field's vector."""
    mlp_layers: tuple[int, ...] = Field(default=(400, 400, 400), min_length=1)
    """Widths of the first stream's hidden layers."""
    second_mlp_layers: tuple[int, ...] = Field(default=(400, 400, 400), min_length=1)
    """Widths of the second stream's hidden layers."""
    first_context: tuple[str, ...] = ()
    """Categorical features by which the first stream chooses what it reads, such as user; without any it learns one choice for all."""
    second_context: tuple[str, ...] = ()
    """The same for the second stream, such as item."""
    gate_layers: tuple[int, ...] = (64,)
    """Widths of the hidden layers by which a stream chooses."""
    fusion_heads: int = Field(default=1, ge=1)
    """Parts that the streams' outputs are cut into before they are multiplied."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of each hidden layer's outputs in the streams that are set to zero in training."""
    batch_norm: bool = False
    """Whether the outputs of each hidden layer of the streams are normalised over the batch."""
    init_std: float = Field(default=0.01, gt=0)
    """Standard deviation of the normal distribution that vectors begin with."""
    clicks: Clicks = Clicks()
    """What is learnt from impressions."""
    training: Training = Training(learner="sparse_adam", learning_rate=0.001, batch_size=4096)
    """How it is trained."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if self.mlp_layers[-1] % self.fusion_heads or self.second_mlp_layers[-1] % self.fusion_heads:
            raise ValueError("fusion_heads must divide the last width of mlp_layers and of second_mlp_layers")
        return self


class Selection(nn.Module):
    """2 sigmoid(gate(x)) * e.

    Args:
        places: the fields that x consists of; none: x is one learnt vector.
        fields: F.
        width: D.
        hidden: widths of the gate's hidden layers.
        std: of a learnt x's beginning.
    """

    def __init__(self, places: list[int], fields: int, width: int, hidden: tuple[int, ...], std: float) -> None:
        super().__init__()
        self.places = places
        self.learnt = nn.ParameterList([] if places else [std * torch.randn(1, 1, width)])
        self.gate = MLP(max(len(places), 1) * width, hidden)
        self.out = nn.Linear(self.gate.out, fields * width)

    def forward(self, vectors: Tensor) -> Tensor:
        """[B, F, D] -> [B, F D]."""
        context = torch.cat([vectors[:, self.places], *(learnt.expand(len(vectors), -1, -1) for learnt in self.learnt)], dim=1)
        gates: Tensor = 2 * torch.sigmoid(self.out(self.gate(context.flatten(1))))
        return gates * vectors.flatten(1)


class BilinearFusion(nn.Module):
    """b + <w_1, o_1> + <w_2, o_2> + sum_j o_1j^T W_j o_2j.

    Args:
        first, second: widths of the two inputs, each a multiple of `heads`.
        heads: parts.
    """

    def __init__(self, first: int, second: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.linear = nn.Linear(first + second, 1)
        matrices = [nn.init.xavier_normal_(torch.empty(first // heads, second // heads)) for _ in range(heads)]
        self.weight = nn.Parameter(torch.stack(matrices))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """[B, N], [B, M] -> [B, 1]."""
        linear: Tensor = self.linear(torch.cat([first, second], dim=1))
        rows, heads = len(first), self.heads
        product = torch.einsum("bhn,hnm,bhm->b", first.view(rows, heads, -1), self.weight, second.view(rows, heads, -1))
        return linear + product.unsqueeze(1)


class FinalMLP(nn.Module):
    """Two streams and their fusion.

    Args:
        schema: the features.
        embed_dim: D.
        layers: widths of the hidden layers, of the first stream and of the second.
        contexts: names of the categorical features by which each chooses.
        gate_layers: widths of the hidden layers by which they choose.
        fusion_heads: parts of the streams' outputs that are multiplied.
        dropout: after each hidden layer of the streams.
        batch_norm: in each hidden layer of the streams.
        init_std: of the vectors.

    Raises:
        InputError: a context names a feature that is not there.
    """

    reads = Reads()

    def __init__(
        self,
        schema: Schema,
        embed_dim: int,
        layers: tuple[tuple[int, ...], tuple[int, ...]],
        contexts: tuple[tuple[str, ...], tuple[str, ...]],
        gate_layers: tuple[int, ...],
        fusion_heads: int,
        dropout: float,
        batch_norm: bool,
        init_std: float,
    ) -> None:
        super().__init__()
        self.tasks = schema.tasks[:1]
        self.vectors = FieldVectors(schema, embed_dim, init_std)
        fields = self.vectors.count
        selections = [Selection(chosen(schema, names), fields, embed_dim, gate_layers, init_std) for names in contexts]
        mlps = [MLP(fields * embed_dim, hidden, dropout, batch_norm=batch_norm) for hidden in layers]
        self.first, self.second = (nn.Sequential(*stream) for stream in zip(selections, mlps, strict=True))
        self.fusion = BilinearFusion(mlps[0].out, mlps[1].out, fusion_heads)

    def forward(self, impressions: Impressions) -> Tensor:
        """Logits float32 [B, 1]."""
        vectors = self.vectors(impressions)
        logits: Tensor = self.fusion(self.first(vectors), self.second(vectors))
        return logits


def build(config: Config, prepared: Prepared) -> FinalMLP:
    """A FinalMLP for the features of the dataset."""
    return FinalMLP(
        schema_of(prepared),
        config.embed_dim,
        (config.mlp_layers, config.second_mlp_layers),
        (config.first_context, config.second_context),
        config.gate_layers,
        config.fusion_heads,
        config.dropout,
        config.batch_norm,
        config.init_std,
    )


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Labelled impressions, each for itself."""
    return from_clicks(prepared, config.training, config.clicks)
