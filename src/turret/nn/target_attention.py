"""What a user did before, weighed by what is shown now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from turret.nn.dice import Dice
from turret.nn.mlp import MLP, Activation, relu
from turret.nn.pooling import softmax_over

ActivationName = Literal["dice", "prelu", "relu"]
ACTIVATIONS: dict[ActivationName, Activation] = {"dice": Dice, "prelu": nn.PReLU, "relu": relu}
"""Activations by the names they have in configurations."""


class TargetAttention(nn.Module):
    """The local activation unit: sum over t of a(e_t, v) e_t, with a(e, v) = w^T MLP([e, v, e - v, e * v]) + b.

    The weights are not normalised, so that a user who did much of the kind has a longer vector, unless `softmax` says so. Only real places
    are computed: padding reaches neither the sum nor the statistics of an activation.

    G. Zhou et al. "Deep Interest Network for Click-Through Rate Prediction." KDD 2018, arXiv:1706.06978 (section 4.3).

    Args:
        width: D.
        hidden: widths of the unit's hidden layers.
        activation: after each of them.
        softmax: whether the weights of a row are normalised; b, which a softmax does not see, is then left out.
    """

    def __init__(self, width: int, hidden: Sequence[int], activation: Activation, softmax: bool) -> None:
        super().__init__()
        self.softmax = softmax
        self.unit = MLP(4 * width, hidden, activation=activation)
        self.out = nn.Linear(self.unit.out, 1, bias=not softmax)

    def forward(self, target: Tensor, steps: Tensor, mask: Tensor) -> Tensor:
        """[B, D], [B, L, D], bool [B, L] -> [B, D]; zero for an empty row."""
        e, v = steps[mask], target.unsqueeze(1).expand_as(steps)[mask]
        scores = self.out(self.unit(torch.cat([e, v, e - v, e * v], dim=1))).squeeze(1)
        weights = scores.new_zeros(mask.shape).masked_scatter(mask, scores)
        if self.softmax:
            weights = softmax_over(weights, mask)
        pooled: Tensor = (weights.unsqueeze(1) @ steps).squeeze(1)
        return pooled
