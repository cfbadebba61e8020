"""Draws from one discrete distribution for each row."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

NUMBERS = 1 << 24
"""Of a block of rows at a time: 128 MiB in float64."""


def draw(weights: Tensor, uniform: Tensor) -> Tensor:
    """The inverse of each row's cumulative distribution at uniform numbers.

    Args:
        weights: float64 [T, C], not negative; each row's sum is positive, and need not be 1.
        uniform: float64 [T, N] in [0, 1).

    Returns:
        int64 [T, N] in 0..C-1, never one of weight 0.

    Raises:
        ValueError: a row's sum is not a positive number, as where the scores behind it are infinite.
    """
    upper = weights.cumsum(dim=1)
    whole = upper[:, -1:]
    if not bool(((whole > 0) & (whole < torch.inf)).all()):
        raise ValueError("nothing can be drawn: the weights of a row are not finite, or all 0; has training diverged?")
    below = torch.nextafter(whole, torch.zeros_like(whole))  # a product that rounds up to the whole would lie in no interval
    return torch.searchsorted(upper, torch.minimum(uniform * whole, below), right=True)


def softmax(logits: Tensor) -> Tensor:
    """float64 [T, C], not normalised: the greatest of each row becomes 1. A row of nothing but minus infinity becomes ones."""
    top = logits.amax(dim=1, keepdim=True)
    return torch.where(top == -torch.inf, 1.0, torch.exp(logits.double() - top.clamp(min=torch.finfo(logits.dtype).min)))


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Consecutive rows, so many at a time that each `width` numbers wide make a block."""
    size = max(1, NUMBERS // max(1, width))
    return (slice(start, min(start + size, rows)) for start in range(0, rows, size))
