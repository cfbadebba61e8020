"""Inner product."""

from __future__ import annotations

import torch
from torch import Tensor


class Dot:
    """score(q, i) = <q, i>."""

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D] -> [Q, C]."""
        return torch.bmm(items, query.unsqueeze(-1)).squeeze(-1)

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D] -> [Q, I]."""
        return query @ items.T
