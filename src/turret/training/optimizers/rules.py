"""What one update does to the rows of a table: the arithmetic of each row-wise optimizer.

`update` changes `table` [n, D] and its state in place, for `rows` [R] and the sums of their gradients [R, D]. Each rule stands here twice:
compiled for a CPU (`kernels.rows`), where the rows must all be different, and as index arithmetic for any other device, where a row that
is there several times, each time with the same sum, is updated once: assignments to it all assign the same. A test holds the two equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from turret.kernels.parallel import over_rows

State = dict[str, Tensor]
Array = npt.NDArray[Any]


def singles(*values: float) -> list[np.float32]:
    """The scalars as the kernels want them."""
    return [np.float32(value) for value in values]


def touched(kernel: Callable[[Array, Array], None], rows: Tensor, gradient: Tensor) -> None:
    """Runs a kernel over the touched rows, divided among threads where there are thousands; each row is one thread's alone."""
    ids, sums = rows.numpy(), gradient.numpy()
    over_rows(lambda start, stop: kernel(ids[start:stop], sums[start:stop]), len(ids), least=1024)


class Rule(Protocol):
    """The arithmetic of one optimizer."""

    def begin(self, table: Tensor) -> State:
        """The state of a table before its first update."""
        ...

    def update(self, table: Tensor, rows: Tensor, gradient: Tensor, state: State, lr: float, decay: float) -> None:
        """One update of `rows`; `decay` times the row is added to its gradient."""
        ...


@dataclass(frozen=True)
class Sgd:
    """w -= lr g."""

    def begin(self, table: Tensor) -> State:
        """No state."""
        return {}

    def update(self, table: Tensor, rows: Tensor, gradient: Tensor, state: State, lr: float, decay: float) -> None:
        """See the class."""
        if table.device.type == "cpu":
            from turret.kernels import rows as kernels

            scalars = singles(lr, decay)
            touched(lambda part, sums: kernels.sgd(table.numpy(), part, sums, *scalars), rows, gradient)
            return
        table[rows] -= lr * (gradient + decay * table[rows])


@dataclass(frozen=True)
class Adagrad:
    """s += g^2, w -= lr g / (sqrt(s) + eps), element by element (Duchi et al. 2011)."""

    eps: float = 1e-10

    def begin(self, table: Tensor) -> State:
        """The sums of squares [n, D]."""
        return {"total": torch.zeros_like(table)}

    def update(self, table: Tensor, rows: Tensor, gradient: Tensor, state: State, lr: float, decay: float) -> None:
        """See the class."""
        total = state["total"]
        if table.device.type == "cpu":
            from turret.kernels import rows as kernels

            scalars = singles(lr, decay, 0.0, self.eps)
            touched(lambda part, sums: kernels.adagrad(table.numpy(), total.numpy(), part, sums, *scalars), rows, gradient)
            return
        gradient = gradient + decay * table[rows]
        total[rows] += gradient.square()
        table[rows] -= lr * gradient / (total[rows].sqrt() + self.eps)


@dataclass(frozen=True)
class MomentumAdagrad:
    """s += g^2, v = momentum v - lr g / sqrt(s + eps), w += v (the optimizer of GRU4Rec's authors).

    Classical momentum on the scaled gradient, with eps inside the root. The velocity of a row that a step does not touch waits: it neither
    decays nor moves the row. Without momentum no velocity is kept.
    """

    momentum: float = 0.0
    eps: float = 1e-6

    def begin(self, table: Tensor) -> State:
        """The sums of squares and, with momentum, the velocities, [n, D] each."""
        names = ("total", "velocity") if self.momentum else ("total",)
        return {name: torch.zeros_like(table) for name in names}

    def update(self, table: Tensor, rows: Tensor, gradient: Tensor, state: State, lr: float, decay: float) -> None:
        """See the class."""
        total, velocity = state["total"], state.get("velocity")
        if table.device.type == "cpu":
            from turret.kernels import rows as kernels

            if velocity is None:
                scalars = singles(lr, decay, self.eps, 0.0)
                touched(lambda part, sums: kernels.adagrad(table.numpy(), total.numpy(), part, sums, *scalars), rows, gradient)
            else:
                arrays, scalars = (table.numpy(), total.numpy(), velocity.numpy()), singles(lr, decay, self.eps, self.momentum)
                touched(lambda part, sums: kernels.momentum_adagrad(*arrays, part, sums, *scalars), rows, gradient)
            return
        gradient = gradient + decay * table[rows]
        total[rows] += gradient.square()
        change = -lr * gradient / (total[rows] + self.eps).sqrt()
        if velocity is not None:
            change = velocity[rows] = self.momentum * velocity[rows] + change
        table[rows] += change


@dataclass(frozen=True)
class RowwiseAdagrad:
    """Adagrad with one accumulator a row, of the mean square over the row: 1 / D of the memory."""

    eps: float = 1e-10

    def begin(self, table: Tensor) -> State:
        """The sums of mean squares [n]."""
        return {"total": table.new_zeros(len(table))}

    def update(self, table: Tensor, rows: Tensor, gradient: Tensor, state: State, lr: float, decay: float) -> None:
        """See the class."""
        total = state["total"]
        if table.device.type == "cpu":
            from turret.kernels import rows as kernels

            scalars = singles(lr, decay, self.eps)
            touched(lambda part, sums: kernels.rowwise_adagrad(table.numpy(), total.numpy(), part, sums, *scalars), rows, gradient)
            return
        gradient = gradient + decay * table[rows]
        total[rows] += gradient.square().mean(dim=1)
        table[rows] -= lr * gradient / (total[rows].sqrt() + self.eps)[:, None]


@dataclass(frozen=True)
class Adam:
    """Lazy Adam (Kingma & Ba 2015, algorithm 1, on touched rows): the bias correction counts all steps, as in torch's SparseAdam."""

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def begin(self, table: Tensor) -> State:
        """Both moments [n, D] and the number of steps."""
        return {"steps": torch.zeros((), dtype=torch.int64), "mean": torch.zeros_like(table), "square": torch.zeros_like(table)}

    def update(self, table: Tensor, rows: Tensor, gradient: Tensor, state: State, lr: float, decay: float) -> None:
        """See the class."""
        state["steps"] += 1
        steps, mean, square = int(state["steps"]), state["mean"], state["square"]
        rate, scale = lr / (1 - self.beta1**steps), 1 / math.sqrt(1 - self.beta2**steps)
        if table.device.type == "cpu":
            from turret.kernels import rows as kernels

            scalars = singles(rate, decay, 1 - self.beta1, 1 - self.beta2, scale, self.eps)
            arrays = (table.numpy(), mean.numpy(), square.numpy())
            touched(lambda part, sums: kernels.adam(*arrays, part, sums, *scalars), rows, gradient)
            return
        gradient = gradient + decay * table[rows]
        mean[rows] = torch.lerp(mean[rows], gradient, 1 - self.beta1)
        square[rows] = torch.lerp(square[rows], gradient.square(), 1 - self.beta2)
        table[rows] -= rate * mean[rows] / (scale * square[rows].sqrt() + self.eps)
