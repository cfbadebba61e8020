"""Losses over single predictions: what was predicted against what came of it.

All take `score` [*S] and `label` [*S] and return [*S].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from turret.losses.scored import SampledLoss, Scored

PointwiseLoss = Callable[[Tensor, Tensor], Tensor]

STEEPEST = 30.0
"""The score above which `poisson` goes on as a straight line."""


def binary_cross_entropy(score: Tensor, label: Tensor) -> Tensor:
    """-y log sigmoid(s) - (1 - y) log(1 - sigmoid(s)); `score` is a logit, so that no sigmoid ever saturates."""
    return F.softplus(score) - label * score


def square(score: Tensor, label: Tensor) -> Tensor:
    """(s - y)^2."""
    return (score - label).square()


def sigmoid_square(score: Tensor, label: Tensor) -> Tensor:
    """(sigmoid(s) - y)^2, for labels from 0 to 1.

    R. Salakhutdinov, A. Mnih. "Probabilistic Matrix Factorization." NIPS 2007, who pass the inner product through the logistic function so
    that no prediction leaves the range of the ratings.
    """
    return (torch.sigmoid(score) - label).square()


def poisson(score: Tensor, label: Tensor) -> Tensor:
    """e^s - y s, the negative log-likelihood of a count y whose expectation is e^s, less what depends on y alone.

    Deviation: above s = 30, where the expectation is 10^13, e^s is continued by its tangent, so that no score overflows.
    """
    return score.clamp(max=STEEPEST).exp() * (1 + F.relu(score - STEEPEST)) - label * score


def focal(score: Tensor, label: Tensor, *, gamma: float) -> Tensor:
    """-y (1 - p)^gamma log p - (1 - y) p^gamma log(1 - p), with p = sigmoid(s): what is predicted well counts little.

    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár. "Focal Loss for Dense Object Detection." ICCV 2017, without its class weight.
    Computed from logarithms, so that no score overflows.

    Args:
        score: logits.
        label: 0 or 1, or between.
        gamma: 0 is binary cross-entropy; the paper's choice is 2.
    """
    unlike, alike = F.softplus(score), F.softplus(-score)
    return label * torch.exp(-gamma * unlike) * alike + (1 - label) * torch.exp(-gamma * alike) * unlike


def against_zeros(loss: PointwiseLoss, *, positive_weight: float = 1.0) -> SampledLoss:
    """`positive_weight` times `loss` of the right item with label 1, and of each negative that counts with label 0, summed."""

    def summed(scored: Scored) -> Tensor:
        chosen, rest = scored.positive, scored.against
        return positive_weight * loss(chosen, torch.ones_like(chosen)) + scored.total(loss(rest, torch.zeros_like(rest)))

    return summed


LOSSES: dict[str, PointwiseLoss] = {"binary_cross_entropy": binary_cross_entropy, "square": square}
"""The losses by the names they have in configurations."""
