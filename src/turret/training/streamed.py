"""Epochs of `Streaming` on layers of `GRUCell`, on a CPU: the mini-batches of each by one compiled loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from turret.batches.sessions import SessionParallel
from turret.losses.shared import BprMax, CrossEntropy
from turret.nn.gru import GRUCell
from turret.nn.tables import Table
from turret.training.objectives.streaming import Streaming
from turret.training.optimizers.rowwise import RowWise
from turret.training.optimizers.rules import MomentumAdagrad

if TYPE_CHECKING:
    from turret.kernels.rows import Rows

AT_ONCE = 64
"""Mini-batches between two looks at the signals of the process."""


@dataclass(frozen=True)
class Streamed:
    """Does what `Gradient` does with the same batches, objective and optimizer, one step of each mini-batch; dropout draws from the same
    generator, but not the same numbers.

    Attributes:
        batches: with one mini-batch a step.
        objective: with one of the losses of `losses.shared`.
        optimizer: of all parameters, by `MomentumAdagrad`.
        items, biases: what items are scored by.
        read: what they are read by; may be `items`.
        cells: the layers.
        dropout: probabilities, of what is read and of each layer's output.
    """

    batches: SessionParallel
    objective: Streaming
    optimizer: RowWise
    items: Table
    biases: Table
    read: Table
    cells: Sequence[GRUCell]
    dropout: Sequence[float]

    def epoch(self, generator: torch.Generator, rate: float, taken: int, done: Callable[[int, float], object]) -> None:
        """Trains on the mini-batches of an epoch.

        Args:
            generator: of the samples; dropout draws from torch's global stream.
            rate: the learning rate.
            taken: mini-batches that were taken before an interruption; the objective then has the state that they left.
            done: is told how many are taken, and the sum of the losses since it was last told.
        """
        from turret.kernels import layer, rows, streaming

        rule, objective, sampler = self.optimizer.rule, self.objective, self.objective.sampler
        assert isinstance(rule, MomentumAdagrad)
        loss, weights = objective.loss, objective.weights
        assert isinstance(loss, (CrossEntropy, BprMax))
        by = rows.Rate(*(np.float32(value) for value in (rate, self.optimizer.weight_decay, rule.eps, rule.momentum)))
        bpreg, elu = (loss.bpreg, loss.elu_param) if isinstance(loss, BprMax) else (0.0, 0.0)
        which = streaming.Loss(isinstance(loss, CrossEntropy), np.float32(bpreg), np.float32(elu))
        memory = self._memory()
        items, biases, read = memory[self.items.weight], memory[self.biases.weight], memory[self.read.weight]
        cells = tuple(
            layer.Cell(*(memory[parameter] for parameter in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)))
            for cell in self.cells
        )
        places = objective.places([cell.width for cell in self.cells], self.items.weight.detach())
        if not taken:
            for place in places:
                place.zero_()
        states = tuple(place.numpy() for place in places)
        slot = np.full(len(self.items.weight), -1, np.int32)
        counts = streaming.Counts(weights.target.numpy(), weights.sample.numpy(), slot)
        batches = streaming.Batches(*self.batches.columns())
        dropout, nothing = np.array(self.dropout, np.float32), torch.empty(0, dtype=torch.int64)
        ids = np.arange(3 * max(cell.width for cell in self.cells))
        scalars = by, which, objective.batch_size, objective.full_boundary
        train: Any = streaming.mini_batches
        for start in range(taken, len(batches.offsets) - 1, AT_ONCE):
            stop = min(start + AT_ONCE, len(batches.offsets) - 1)
            drawn = [nothing if sampler is None else sampler.draw(generator) for _ in range(start, stop)]
            seeds = torch.randint(2**62, (stop - start, len(dropout))).numpy().astype(np.uint64)
            drawing = torch.stack(drawn).numpy(), seeds, dropout, counts
            tables = items, biases, read, self.read is self.items
            loss = train(start, stop, batches, *drawing, *tables, cells, states, ids, *scalars)
            done(stop, loss)

    def _memory(self) -> dict[Tensor, Rows]:
        from turret.kernels.rows import Rows

        nothing = np.empty((0, 0), np.float32)
        found: dict[Tensor, Rows] = {}
        for parameter, (weight, state) in zip(self.optimizer.tables, self.optimizer.remembered(), strict=True):
            found[parameter] = Rows(weight.numpy(), state["total"].numpy(), state["velocity"].numpy() if "velocity" in state else nothing)
        return found
