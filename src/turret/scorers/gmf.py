"""Generalised matrix factorisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from turret.scorers.dot import Dot


class GMF(nn.Module):
    """score(q, i) = <w, q * i>, an inner product whose dimensions weigh differently.

    X. He, L. Liao, H. Zhang, L. Nie, X. Hu, T.-S. Chua. "Neural Collaborative Filtering." WWW 2017 (section 3.2). The score is a logit: the
    paper's sigmoid is left to the loss. Deviation: w begins as ones, the plain inner product, and not at random.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self._dot = Dot()

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D] -> [Q, C]."""
        return self._dot.pairs(self.query_side(query), items)

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D] -> [Q, I]."""
        return self.query_side(query) @ items.T

    def query_side(self, query: Tensor) -> Tensor:
        """q * w: [Q, D] -> [Q, D]."""
        return query * self.weight

    def item_side(self, items: Tensor) -> Tensor:
        """[*S, D] -> [*S, D], as they are."""
        return items
