"""What the losses over sampled negatives are functions of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of T right items, and of the N negatives that each competes with.

    Attributes:
        positive: float [T].
        negative: float [T, N].
        log_q: float, broadcastable to [T, N]: the log of the probability with which each negative was drawn. Losses that treat every
            negative alike do not look at it.
        mask: bool [T, N], False where a negative does not count, whatever its score is; None where all count.
        positive_log_q: float, broadcastable to [T]: likewise of the right items; None where it is not known.
    """

    positive: Tensor
    negative: Tensor
    log_q: Tensor
    mask: Tensor | None = None
    positive_log_q: Tensor | None = None

    def only(self, values: Tensor, otherwise: float = 0.0) -> Tensor:
        """`values` [T, N] of the negatives that count, and `otherwise` in the place of the rest.

        It comes before any formula: behind one, a gradient of 0 times the slope at an infinite score would be no number.
        """
        return values if self.mask is None else torch.where(self.mask, values, otherwise)

    @property
    def against(self) -> Tensor:
        """float [T, N] the negatives' scores, 0 where one does not count."""
        return self.only(self.negative)

    @property
    def margins(self) -> Tensor:
        """float [T, N] the right item's score less each negative's, 0 where one does not count."""
        return self.only(self.positive[:, None] - self.negative)

    @property
    def log_draws(self) -> Tensor:
        """float, broadcastable to [T, N]: log(N q), of how many draws are expected to give each negative.

        Those that do not count were drawn as well: a sum over those that do, each divided by N q, is an unbiased estimate of the sum
        over all items that would count.
        """
        return self.log_q + math.log(max(self.negative.shape[1], 1))

    def total(self, values: Tensor) -> Tensor:
        """The sum of `values` [T, N] over the negatives that count: [T]."""
        return self.only(values).sum(dim=1)

    def mean(self, values: Tensor) -> Tensor:
        """The mean of `values` [T, N] over the negatives that count: [T], 0 where none does."""
        if self.mask is None and values.shape[1]:
            return values.mean(dim=1)
        counted = values.shape[1] if self.mask is None else self.mask.sum(dim=1)
        return self.total(values) / torch.as_tensor(counted, device=values.device).clamp(min=1)

    def counting(self, values: Tensor) -> Tensor:
        """`values` [T, N], the lowest finite number where a negative does not count: for maxima and softmaxes over them.

        Not minus infinity, of which a row without any negative that counts would make no numbers.
        """
        return self.only(values, torch.finfo(values.dtype).min)

    def shares(self, values: Tensor) -> Tensor:
        """The softmax of `values` [T, N] over the negatives that count: [T, N], 0 for the rest."""
        return self.only(self.counting(values).softmax(dim=1))


SampledLoss = Callable[[Scored], Tensor]
"""[T] from the scores of T right items and their negatives."""
