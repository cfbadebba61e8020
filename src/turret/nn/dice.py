"""Dice, the activation that adapts to its input."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPSILON = 1e-8
MOMENTUM = 0.1


class Dice(nn.Module):
    """p(s) s + (1 - p(s)) alpha s, with p(s) = sigmoid((s - E[s]) / sqrt(Var[s] + 1e-8)): a PReLU whose turn is where the inputs are.

    In training E and Var are those of the batch, otherwise averages that were kept of them, each batch counting 0.1. alpha begins at 0. Of
    no rows nothing is learnt, and a single row is its own mean.

    G. Zhou et al. "Deep Interest Network for Click-Through Rate Prediction." KDD 2018, equation 3 (9 in arXiv:1706.06978).

    Args:
        width: H, each with an alpha of its own.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def forward(self, inputs: Tensor) -> Tensor:
        """[N, H] -> [N, H]."""
        mean, variance = self.mean, self.variance
        if self.training and len(inputs):
            variance, mean = torch.var_mean(inputs, dim=0, correction=0)
            self.mean.lerp_(mean.detach(), MOMENTUM)
            self.variance.lerp_(variance.detach(), MOMENTUM)
        p = torch.sigmoid((inputs - mean) * torch.rsqrt(variance + EPSILON))
        return inputs * (p + (1 - p) * self.alpha)
