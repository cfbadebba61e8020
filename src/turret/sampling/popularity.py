"""Negatives drawn by popularity."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from turret.core.context import Context, Encoded, PerRow, Query
from turret.core.interactions import FloatArray, IntArray


def distribution(counts: IntArray, alpha: float) -> tuple[FloatArray, FloatArray]:
    """Float64 [I] cumulative probabilities in proportion to counts to the power `alpha`, and the logs of the probabilities."""
    mass = counts.astype(np.float64) ** alpha
    with np.errstate(divide="ignore"):
        return np.cumsum(mass) / mass.sum(), np.log(mass / mass.sum())


class Popularity:
    """Each query's negatives with probability proportional to the training count to the power `alpha` (0.75 as in word2vec).

    Args:
        counts: int [I] how often each item occurs in the training part. One that never occurs is never drawn (for alpha > 0).
        negative_count: N.
        alpha: 0 is uniform, 1 the empirical distribution.
    """

    def __init__(self, counts: IntArray, negative_count: int, alpha: float = 0.75) -> None:
        self.negative_count = negative_count
        bounds, log_q = distribution(counts, alpha)
        self._upper, self._log_q = torch.from_numpy(bounds), torch.from_numpy(log_q).float()

    def __call__(self, context: Context, target: Tensor, query: Query, encoded: Encoded, generator: torch.Generator) -> PerRow:
        """`PerRow` with items and log_q [T, N] for the T targets."""
        device = generator.device
        self._upper, self._log_q = self._upper.to(device), self._log_q.to(device)
        draw = torch.rand((len(target), self.negative_count), generator=generator, device=device, dtype=torch.float64)
        items = torch.searchsorted(self._upper, draw, right=True).clamp(max=len(self._upper) - 1)
        return PerRow(items, self._log_q[items])
