"""Inner product plus a bias of the item."""

from __future__ import annotations

import torch
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
