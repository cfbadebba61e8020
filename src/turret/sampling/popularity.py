"""Probabilities in proportion to how often items occur in the training part, or to anything else that does not change."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from turret.core.contracts import Step, Targets
from turret.core.interactions import FloatArray, IntArray

AT_ONCE = 1 << 14
"""Draws that are worth waking a thread for."""


def power(counts: IntArray, alpha: float = 0.75) -> FloatArray:
    """float64 [I] counts to the power `alpha`: 0 is uniform over all items, 1 the empirical distribution, 0.75 what word2vec takes."""
    return counts.astype(np.float64) ** alpha


def log_count(counts: IntArray) -> FloatArray:
    """float64 [I] log(1 + count): an item that never occurs is never drawn."""
    return np.log1p(counts.astype(np.float64))


def smoothed(counts: IntArray, constant: float = 1.0) -> FloatArray:
    """float64 [I] count + `constant`: items that never occur are drawn too."""
    return counts.astype(np.float64) + constant


class Popularity:
    """A `Distribution` that gives each item a fixed share, whatever the query.

    Draws invert the cumulative distribution in float64: a uniform number becomes the first item whose bound is above it. A guide table with
    two cells for each item (H.-C. Chen and Y. Asau, "On Generating Random Variates from an Empirical Distribution", AIIE Transactions 1974)
    says where to begin, so that half a step of search is expected, however skewed the shares are.

    Args:
        mass: float64 [I], in proportion to which items are drawn; one of mass 0 never is.

    Attributes:
        shares: float64 [I] the probabilities.

    Raises:
        ValueError: the mass has no finite, positive sum, or is negative somewhere.
    """

    def __init__(self, mass: FloatArray) -> None:
        bounds = np.cumsum(mass, dtype=np.float64)
        if not (np.isfinite(bounds[-1]) and bounds[-1] > 0 and (mass >= 0).all()):
            raise ValueError("the mass of items must not be negative, nor all of it be zero or any of it infinite")
        shares = mass / bounds[-1]
        with np.errstate(divide="ignore"):
            log_q = np.log(shares)
        self.shares, self._upper = torch.from_numpy(shares), torch.from_numpy(bounds / bounds[-1])
        self._log_q = torch.from_numpy(log_q).float()
        self._guide: Tensor | None = None

    def refresh(self, targets: Targets, step: Step) -> None:
        """Nothing changes."""

    def draw(self, targets: Targets, count: int, generator: torch.Generator) -> Tensor:
        """int64 [T, `count`]."""
        return self.at(torch.rand((len(targets), count), generator=generator, device=generator.device, dtype=torch.float64))

    def log_prob(self, targets: Targets, items: Tensor) -> Tensor:
        """float32, in the shape of `items`."""
        self._log_q = self._log_q.to(items.device)
        return self._log_q[items]

    def at(self, uniform: Tensor) -> Tensor:
        """The items, int64 [*S], at float64 [*S] in [0, 1)."""
        if uniform.device.type != "cpu":
            self._upper = self._upper.to(uniform.device)
            return torch.searchsorted(self._upper, uniform, right=True)
        from turret.kernels.drawing import guide, search
        from turret.kernels.parallel import over_rows

        upper = self._upper.numpy()
        if self._guide is None:
            self._guide = torch.from_numpy(guide(upper, 2 << (len(upper) - 1).bit_length()))
        items = torch.empty(uniform.shape, dtype=torch.int64)
        first, numbers, found = self._guide.numpy(), uniform.numpy().reshape(-1), items.numpy().reshape(-1)
        over_rows(lambda start, stop: search(upper, first, numbers[start:stop], found[start:stop]), len(numbers), AT_ONCE)
        return items
