"""Negatives drawn by popularity, one sample for all queries of a step."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from turret.core.context import Shared
from turret.core.contracts import Step, Targets
from turret.core.interactions import IntArray
from turret.sampling.popularity import power

CELLS = 1 << 16
"""Of the guide table that a draw begins from: 256 KiB, after which the search is a step or two."""


class SharedPopularity:
    """N draws with replacement, with probability proportional to the training count to the power `alpha`.

    Nothing is left out: a sample may repeat, and may hold a query's own target, which is masked. The bounds of the cumulative distribution
    are computed in float64 and kept in float32, against which a float32 uniform number is compared; an item whose interval is empty at that
    precision is never drawn.

    Args:
        counts: int [I] how often each item occurs in the training part.
        negative_count: N.
        alpha: 0 is uniform over all items, 1 the empirical distribution.
    """

    def __init__(self, counts: IntArray, negative_count: int, alpha: float) -> None:
        self.negative_count = negative_count
        mass = power(counts, alpha)
        bounds = np.cumsum(mass) / mass.sum()
        bounds[-1] = 1
        with np.errstate(divide="ignore"):
            log_q = np.log(mass / mass.sum())
        self.upper, self._log_q = (torch.from_numpy(values.astype(np.float32)) for values in (bounds, log_q))
        self._guide: Tensor | None = None

    def __call__(self, targets: Targets, step: Step) -> Shared:
        """`Shared` with items and log_q [N], mask [T, N], positive_log_q [T]."""
        items = self.draw(step.generator)
        return Shared(items, self._log_q[items], items != targets.items[:, None], self._log_q[targets.items])

    def draw(self, generator: torch.Generator) -> Tensor:
        """int64 [N]."""
        device = generator.device
        return self.at(torch.rand(self.negative_count, generator=generator, device=device))

    def at(self, uniform: Tensor) -> Tensor:
        """The items at float32 [N] in [0, 1): the first whose bound is above each."""
        if uniform.device.type != "cpu":
            self.upper, self._log_q = self.upper.to(uniform.device), self._log_q.to(uniform.device)
            return torch.searchsorted(self.upper, uniform, right=True)
        from turret.kernels.drawing import guide, search

        if self._guide is None:
            self._guide = torch.from_numpy(guide(self.upper.numpy(), CELLS))
        items = torch.empty(len(uniform), dtype=torch.int64)
        search(self.upper.numpy(), self._guide.numpy(), uniform.numpy(), items.numpy())
        return items
