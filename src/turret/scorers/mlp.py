"""A network that reads both vectors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from turret.nn.linear import Linear
from turret.nn.mlp import MLP

BLOCK = 2**22
"""Numbers of the first layer that `MLPScorer.all` holds at once."""


class MLPScorer(nn.Module):
    """score(q, i) = <h, phi_L(... phi_1([q; i]))>, each phi a linear layer and a relu.

    X. He, L. Liao, H. Zhang, L. Nie, X. Hu, T.-S. Chua. "Neural Collaborative Filtering." WWW 2017 (section 3.3). The score is a logit: the
    paper's sigmoid is left to the loss. The first layer is the sum of one of q and one of i, so that a query's and an item's part are
    computed once each, however many they meet.

    Args:
        width: D.
        layers: the width of each layer, at least one.
    """

    def __init__(self, width: int, layers: Sequence[int]) -> None:
        super().__init__()
        first = layers[0]
        self.of_query = Linear(width, first)
        self.of_item = Linear(width, first, bias=False)
        self.rest = MLP(first, layers[1:])
        self.output = Linear(self.rest.out, 1, bias=False)

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D] -> [Q, C]."""
        return self._meet(self.of_query(query)[:, None], self.of_item(items))

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D] -> [Q, I], by blocks of items; a gradient computes each block's layers a second time instead of keeping them."""
        left, right = self.of_query(query)[:, None], self.of_item(items)
        size = max(1, BLOCK // max(1, left.numel()))
        blocks = [checkpoint(self._meet, left, block, use_reentrant=False, preserve_rng_state=False) for block in right.split(size)]
        return torch.cat(blocks, dim=1)

    def _meet(self, left: Tensor, right: Tensor) -> Tensor:
        """Both parts of the first layer, of shapes that go together to [Q, C, H] -> [Q, C]."""
        scores: Tensor = self.output(self.rest(torch.relu(left + right))).squeeze(-1)
        return scores
