"""Inner product plus a bias of the query and one of the item."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from turret.scorers.biased_dot import BiasedDot


class BothBiased:
    """score(q, i) = <w_q, v_i> + b_q + b_i, for vectors given as [w_q, b_q] and [v_i, b_i] (`nn.tables.Biased`)."""

    def __init__(self) -> None:
        self._biased = BiasedDot()

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D + 1], [Q, C, D + 1] -> [Q, C]."""
        return self._biased.pairs(query[:, :-1], items) + query[:, -1:]

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D + 1], [I, D + 1] -> [Q, I]."""
        return self._biased.all(query[:, :-1], items) + query[:, -1:]

    def query_side(self, query: Tensor) -> Tensor:
        """[w_q, b_q, 1]: [Q, D + 1] -> [Q, D + 2]."""
        return F.pad(query, (0, 1), value=1.0)

    def item_side(self, items: Tensor) -> Tensor:
        """[v_i, 1, b_i]: [*S, D + 1] -> [*S, D + 2]."""
        return torch.cat([F.pad(items[..., :-1], (0, 1), value=1.0), items[..., -1:]], dim=-1)
