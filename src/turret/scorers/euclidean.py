"""Euclidean distance."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from turret.scorers.lengths import pairs_and_squares, square


class Euclidean:
    """score(q, i) = -|q - i|^2, computed as 2 <q, i> - |i|^2 - |q|^2.

    The squared distance ranks as the distance does, and is smooth where the two meet.
    """

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D] -> [Q, C]."""
        products, squares = pairs_and_squares(query, items)
        return 2 * products - squares - square(query)[:, None]

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D] -> [Q, I]."""
        return torch.addmm(-square(items), query, items.T, alpha=2) - square(query)[:, None]

    def query_side(self, query: Tensor) -> Tensor:
        """[2 q, 1]: [Q, D] -> [Q, D + 1]."""
        return F.pad(2 * query, (0, 1), value=1.0)

    def item_side(self, items: Tensor) -> Tensor:
        """[i, -|i|^2]: [*S, D] -> [*S, D + 1]."""
        return torch.cat([items, -square(items).unsqueeze(-1)], dim=-1)
