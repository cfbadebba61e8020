"""KGCN: items by what surrounds them in a knowledge graph, each user giving relations other weights.

    a_u(e, k) = softmax over the K neighbours of e of  <u, r_ek>
    e_u' = s(W (e_u + sum over k of a_u(e, k) e_u,k) + b),    s relu, in the last of H layers tanh
    y_ui = <u, i_u>     after H layers, from what is at most H steps away from i
    minimise  sum over (u, i) of  -ln sigmoid(y_ui)  -  ln sigmoid(-y_uj),    j unseen

H. Wang, M. Zhao, X. Xie, W. Li, M. Guo. "Knowledge Graph Convolutional Networks for Recommender Systems." WWW 2019, arXiv 1904.12575,
section 3. The aggregator is the sum, the paper's best. As in the authors' code, neighbours are drawn once, and activations are relu and
tanh; who has fewer than K neighbours has some several times.

Deviations: an edge is there in both directions, and its inverse has a vector of its own, where the authors' code gives both one; relations
are weighed by inner products, and weighted neighbours are summed, as in the paper, where its code takes means of both; an entity without
neighbours receives nothing, where the code gives it entity 0. L2 by `--weight_decay`, as the optimizer has it.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_triples
from turret.batches.pairs import Pairs
from turret.core.context import Context, Reads
from turret.data.prepared import Prepared
from turret.graphs.neighbours import Neighbours, neighbours
from turret.graphs.relations import TypedEdges
from turret.losses.pointwise import against_zeros, binary_cross_entropy
from turret.nn.user_convolution import UserConvolution
from turret.sampling.seen import Seen
from turret.training.config import Training
from turret.training.objectives.judged import Judged
from turret.training.procedures import Gradient


class Config(BaseModel):
    """KGCN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=32, ge=1)
    """Width of all vectors."""
    neighbour_count: int = Field(default=4, ge=1)
    """K, how many neighbours of each entity are drawn."""
    hops: int = Field(default=2, ge=1)
    """H, how far an item looks; a pair of user and item reads K^H entities."""
    negative_count: int = Field(default=1, ge=1)
    """Unseen items that each right one is compared with, drawn uniformly."""
    training: Training = Training(learning_rate=0.005, batch_size=1024, weight_decay=1e-7, epochs=200, early_stop_patience=10)
    """How it is trained."""


class KGCN(nn.Module):
    """A convolution for each user.

    Args:
        n_users, n_items, n_relations: how many there are.
        field: the drawn neighbours of all entities.
        embed_dim: D.
        hops: H.
    """

    reads = Reads(user=True)

    def __init__(self, n_users: int, n_items: int, n_relations: int, field: Neighbours, embed_dim: int, hops: int) -> None:
        super().__init__()
        self.convolution = UserConvolution(n_users, n_items, n_relations, field, embed_dim, hops)

    def pairs(self, users: Tensor, items: Tensor) -> Tensor:
        """y: int64 [T], [T, C] -> [T, C]."""
        return self.convolution.pairs(users, items)

    def score_all(self, context: Context) -> Tensor:
        """y of all items: [B, I]."""
        assert context.users is not None
        return self.convolution.all(context.users)


def build(config: Config, prepared: Prepared) -> KGCN:
    """A KGCN on the dataset's knowledge graph."""
    graph = needs_triples(prepared, "KGCN").with_inverses()
    edges = TypedEdges(graph.head, graph.relation, graph.tail, graph.n_entities, graph.n_relations)
    generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
    field = neighbours(edges, torch.arange(graph.n_entities), config.neighbour_count, generator)
    return KGCN(prepared.n_users, prepared.n_items, graph.n_relations, field, config.embed_dim, config.hops)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled zeros."""
    objective = Judged(against_zeros(binary_cross_entropy), Seen(prepared.train), config.negative_count)
    return Gradient(Pairs(prepared.train, config.training.batch_size), objective, config.training)
