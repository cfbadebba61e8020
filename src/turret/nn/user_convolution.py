"""Convolution over a knowledge graph as each user sees it: an edge weighs what its relation means to the user.

    a_u(e, k) = softmax over the neighbours k of e of  <u, r_ek>
    e' = s(W (e + sum over k of a_u(e, k) e_k) + b),     s relu, of the last layer tanh
    y_ui = <u, e_i>     after as many layers as there are hops

H. Wang, M. Zhao, X. Xie, W. Li, M. Guo. "Knowledge Graph Convolutional Networks for Recommender Systems." WWW 2019, section 3.2. A node
has K neighbours, drawn once; one that has none in the graph receives nothing.

T pairs' users, C items each, N entities, K neighbours, H hops, D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from turret.graphs.neighbours import Neighbours
from turret.nn.linear import Linear
from turret.nn.tables import Table

BLOCK = 1 << 19
"""Numbers of one layer that `UserConvolution.all` holds at once: 2 MiB, which are still in the cache when the next reads them."""


class UserConvolution(nn.Module):
    """Tables of users, entities and relations, and layers.

    Args:
        n_users: U.
        n_items: I, the first entities.
        n_relations: R.
        neighbours: K of each of the N entities. They are buffers that are saved, since another draw would be another model.
        embed_dim: D.
        hops: H.
    """

    tails: Tensor
    by: Tensor
    alone: Tensor

    def __init__(self, n_users: int, n_items: int, n_relations: int, neighbours: Neighbours, embed_dim: int, hops: int) -> None:
        super().__init__()
        self.n_items = n_items
        self.users = Table(n_users, embed_dim)
        self.entities = Table(len(neighbours.tails), embed_dim)
        self.relations = Table(n_relations, embed_dim)
        self.layers = nn.ModuleList(Linear(embed_dim, embed_dim) for _ in range(hops))
        self.register_buffer("tails", neighbours.tails.int().contiguous())
        self.register_buffer("by", neighbours.relations.int().contiguous())
        self.register_buffer("alone", ~neighbours.mask, persistent=False)

    def field(self, items: Tensor) -> list[Tensor]:
        """int64 [T, C] -> for each number of steps 0..H what they lead to, int64 [T, C K^h], neighbours side by side."""
        reached = [items]
        for _ in self.layers:
            reached.append(self.tails[reached[-1]].flatten(1).long())
        return reached

    def attention(self, u: Tensor, field: Sequence[Tensor]) -> list[Tensor]:
        """a_u: users' vectors [T, D], their fields -> for each step but the last float [T, C K^h, K], each summing to 1."""
        meaning = u @ self.relations.dense().T
        found = []
        for nodes in field[:-1]:
            by = self.by[nodes].long()
            found.append(meaning.gather(1, by.flatten(1)).view(by.shape).softmax(dim=-1))
        return found

    def pairs(self, users: Tensor, items: Tensor) -> Tensor:
        """y: int64 [T], [T, C] -> [T, C]."""
        u, field = self.users[users], self.field(items)
        weights = [a.masked_fill(self.alone[nodes][..., None], 0) for a, nodes in zip(self.attention(u, field), field, strict=False)]
        vectors = [self.entities[nodes] for nodes in field]
        for layer in self.layers:
            received = [(a[..., None] * e.view(*a.shape, -1)).sum(dim=2) for a, e in zip(weights, vectors[1:], strict=False)]
            vectors = [self._through(layer, e + more) for e, more in zip(vectors, received, strict=False)]
        return (vectors[0] @ u.unsqueeze(2)).squeeze(2)

    def all(self, users: Tensor) -> Tensor:
        """y: int64 [B] -> [B, I], by blocks of users. A layer computes every entity that matters once, however many fields it is in."""
        reached = [torch.arange(self.n_items, device=users.device)]
        for _ in self.layers:
            reached.append(torch.unique(torch.cat([reached[-1], self.tails[reached[-1]].flatten().long()])))
        size = max(1, BLOCK // (len(reached[-1]) * max(self.tails.shape[1], self.entities.weight.shape[1])))
        return torch.cat([self._all(u, reached[::-1]) for u in torch.split(self.users[users], size)])

    def _all(self, u: Tensor, reached: Sequence[Tensor]) -> Tensor:
        """[b, D], and which entities are computed by each layer, from none to all -> [b, I]."""
        meaning = u @ self.relations.dense().T
        e = self.entities[reached[0]].expand(len(u), -1, -1)
        for layer, before, nodes in zip(self.layers, reached, reached[1:], strict=False):
            weights = meaning[:, self.by[nodes].long()].softmax(dim=2).masked_fill(self.alone[nodes, None], 0)
            total = e.index_select(1, torch.searchsorted(before, nodes))
            for k, tails in enumerate(torch.searchsorted(before, self.tails[nodes].long()).unbind(dim=1)):
                total = total + weights[:, :, k, None] * e.index_select(1, tails)
            e = self._through(layer, total)
        return (e @ u.unsqueeze(2)).squeeze(2)

    def _through(self, layer: nn.Module, vectors: Tensor) -> Tensor:
        linear: Tensor = layer(vectors)
        return torch.tanh(linear) if layer is self.layers[-1] else torch.relu(linear)
