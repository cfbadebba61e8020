"""Losses over single impressions: what was predicted against what came of it.

Both take `score` [*S] and `label` [*S] and return [*S].
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

PointwiseLoss = Callable[[Tensor, Tensor], Tensor]


def binary_cross_entropy(score: Tensor, label: Tensor) -> Tensor:
    """-y log sigmoid(s) - (1 - y) log(1 - sigmoid(s)); `score` is a logit, so that no sigmoid ever saturates."""
    return F.softplus(score) - label * score


def square(score: Tensor, label: Tensor) -> Tensor:
    """(s - y)^2."""
    return (score - label).square()


LOSSES: dict[str, PointwiseLoss] = {"binary_cross_entropy": binary_cross_entropy, "square": square}
"""The losses by the names they have in configurations."""
