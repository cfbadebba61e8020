"""Graphs whose edges have types: the triples of a knowledge graph, and the users' choices among them.

Node ids of the joint graph: users 0..U-1, then entities U..U+N-1, the first I of which are the items. E edges, V nodes, R relations.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from turret.core.interactions import IntArray, check_ids
from turret.graphs.aggregation import Aggregation
from turret.graphs.segments import Segments


class TypedEdges(nn.Module):
    """Edges head -> tail, each of a relation, by head: what one head leads to lies side by side. No edge is there twice.

    Values of edges, [E] in this order, are computed by a model: `segments.softmax` normalises them over each head's edges, and
    `aggregation.sums` adds up the tails' vectors with them. All of it moves with the model, but is not saved with it.

    Args:
        heads, relations, tails: int [n]; a triple that is given several times is one edge.
        n_nodes: V.
        n_relations: R.

    Attributes:
        heads, relations, tails: int64 [E], by head, then relation, then tail.
        offsets: int64 [V + 1]; the edges of head h are offsets[h] to offsets[h + 1].
        segments: the edges of each head.
        aggregation: sums over them.

    Raises:
        ValueError: an id is outside.
    """

    heads: Tensor
    relations: Tensor
    tails: Tensor
    offsets: Tensor

    def __init__(self, heads: IntArray, relations: IntArray, tails: IntArray, n_nodes: int, n_relations: int) -> None:
        super().__init__()
        for what, ids, n in (("heads", heads, n_nodes), ("relations", relations, n_relations), ("tails", tails, n_nodes)):
            check_ids(what, ids, n)
        order = np.lexsort((tails, relations, heads))
        triples = np.stack([heads, relations, tails]).astype(np.int64)[:, order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = np.any(triples[:, 1:] != triples[:, :-1], axis=0)
        for name, part in zip(("heads", "relations", "tails"), torch.from_numpy(triples[:, first]), strict=True):
            self.register_buffer(name, part.contiguous(), persistent=False)
        offsets = torch.zeros(n_nodes + 1, dtype=torch.int64)
        offsets[1:] = self.heads.bincount(minlength=n_nodes).cumsum(dim=0)
        self.register_buffer("offsets", offsets, persistent=False)
        self.n_nodes, self.n_relations = n_nodes, n_relations
        self.segments = Segments(offsets)
        self.aggregation = Aggregation(offsets, self.tails, n_nodes)

    def __len__(self) -> int:
        return len(self.heads)


def collaborative_knowledge_graph(
    users: IntArray,
    items: IntArray,
    heads: IntArray,
    relations: IntArray,
    tails: IntArray,
    n_users: int,
    n_entities: int,
    n_relations: int,
) -> TypedEdges:
    """The graph of users and entities, every edge in both directions: what users chose is one more relation.

    X. Wang, X. He, Y. Cao, M. Liu, T.-S. Chua. "KGAT: Knowledge Graph Attention Network for Recommendation." KDD 2019, section 2.

    Args:
        users, items: int [n] the choices of the training part.
        heads, relations, tails: int [m] the triples; entity i < n_items is item i.
        n_users: U.
        n_entities: N, the items included.
        n_relations: R, of the triples.

    Returns:
        V = U + N nodes, users first. Relations 0..R-1 are those of the triples, R is "interact", from user to item, and r + R + 1 is the
        inverse of r.
    """
    interact, between = np.full(len(users), n_relations, dtype=np.int64), n_relations + 1
    begin = np.concatenate([heads.astype(np.int64) + n_users, users])
    relation = np.concatenate([relations.astype(np.int64), interact])
    end = np.concatenate([tails.astype(np.int64) + n_users, items.astype(np.int64) + n_users])
    both = np.concatenate([begin, end]), np.concatenate([relation, relation + between]), np.concatenate([end, begin])
    return TypedEdges(*both, n_users + n_entities, 2 * between)
