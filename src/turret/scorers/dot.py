"""Inner product."""

from __future__ import annotations

import torch
from torch import Tensor


class Dot:
    """score(q, i) = <q, i>."""

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D] -> [Q, C]."""
        if items.shape[1] <= 8:  # a batch of tiny products costs more in dispatch than in arithmetic
            return (items * query.unsqueeze(1)).sum(dim=2)
        return torch.bmm(items, query.unsqueeze(2)).squeeze(2)

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D] -> [Q, I]."""
        return query @ items.T
