"""Inner product plus a bias of the item."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from turret.scorers.dot import Dot


class BiasedDot:
    """score(q, i) = <q, v_i> + b_i, for items given as [v_i, b_i] (`nn.tables.Biased`)."""

    def __init__(self) -> None:
        self._dot = Dot()

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D + 1] -> [Q, C]."""
        return self._dot.pairs(query, items[..., :-1].contiguous()) + items[..., -1]

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D + 1] -> [Q, I]."""
        return torch.addmm(items[:, -1], query, items[:, :-1].T)

    def query_side(self, query: Tensor) -> Tensor:
        """[q, 1]: [Q, D] -> [Q, D + 1]."""
        return F.pad(query, (0, 1), value=1.0)

    def item_side(self, items: Tensor) -> Tensor:
        """[v_i, b_i]: [*S, D + 1] -> [*S, D + 1], as they are."""
        return items
