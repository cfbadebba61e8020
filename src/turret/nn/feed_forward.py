"""The same small network at every step of a sequence."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class FeedForward(nn.Module):
    """W_2 relu(W_1 x + b_1) + b_2, with dropout after each layer.

    Args:
        width: D.
        hidden: width between the two layers.
        dropout: probability with which a number is dropped in training.
    """

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[*, D] -> [*, D]."""
        inner = self.dropout(F.relu(self.inner(x)))
        return self.dropout(self.outer(inner))  # type: ignore[no-any-return]
