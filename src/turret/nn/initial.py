"""Initial values that several models share."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def xavier_with_small_biases(weights: Iterable[Tensor], biases: Iterable[Tensor]) -> None:
    """Weights uniform by the sum of both widths (X. Glorot, Y. Bengio. "Understanding the difficulty of training deep feedforward neural
    networks." AISTATS 2010), biases normal with deviation 0.001, cut off at twice that: what the authors of MultiVAE and MultiDAE do."""
    for weight in weights:
        nn.init.xavier_uniform_(weight)
    for bias in biases:
        nn.init.trunc_normal_(bias, std=0.001, a=-0.002, b=0.002)
