"""Pairs of fields."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from turret.core.errors import UnsupportedError


class FieldPairs(nn.Module):
    """The P = F (F - 1) / 2 pairs of fields i < j, in the order (0, 1), (0, 2), ..., (F - 2, F - 1).

    Args:
        fields: F.

    Attributes:
        count: P.

    Raises:
        UnsupportedError: there are fewer than two fields.
    """

    left: Tensor
    right: Tensor

    def __init__(self, fields: int) -> None:
        super().__init__()
        if fields < 2:
            raise UnsupportedError(f"this model crosses pairs of features, and the impressions of the dataset have {fields} in all")
        left, right = torch.triu_indices(fields, fields, offset=1)
        self.register_buffer("left", left, persistent=False)
        self.register_buffer("right", right, persistent=False)
        self.count = len(left)

    def sides(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """[B, F, D] -> [B, P, D] the vectors of the fields i, and those of the fields j."""
        return vectors.index_select(1, self.left), vectors.index_select(1, self.right)

    def forward(self, vectors: Tensor) -> Tensor:
        """The products v_i * v_j, number by number: [B, F, D] -> [B, P, D]."""
        left, right = self.sides(vectors)
        return left * right
