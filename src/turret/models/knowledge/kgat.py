"""KGAT: vectors of users and entities propagated over their joint graph, in which attention weighs the edges.

    d(h, r, t) = |W_r e_h + e_r - W_r e_t|^2                                                             (1)
    L_KG = sum over edges (h, r, t), t' no tail of h and r, of  -ln sigmoid(d(h, r, t') - d(h, r, t))    (2)
    pi(h, r, t) = softmax over the edges of h of  <W_r e_t, tanh(W_r e_h + e_r)>                         (4), (5)
    n_h = sum over the edges (h, r, t) of h of  pi(h, r, t) e_t                                          (3)
    e_h^(k) = LeakyReLU(W_1 (e_h + n_h) + b_1) + LeakyReLU(W_2 (e_h o n_h) + b_2),    of layer k-1       (8)
    e = e^(0) || e^(1) || ... || e^(K),    y_ui = <e_u, e_i>                                             (11), (12)
    L_CF = sum over (u, i, j) of  -ln sigmoid(y_ui - y_uj)  +  lambda |e_u|^2 + |e_i|^2 + |e_j|^2

X. Wang, X. He, Y. Cao, M. Liu, T.-S. Chua. "KGAT: Knowledge Graph Attention Network for Recommendation." KDD 2019, arXiv 1905.07854. The
edges are the triples, what users chose, and the inverses of both. As in the authors' code an epoch of L_CF and one of L_KG take turns, each
with an optimizer of its own, and attention is a constant that is computed anew after both; the slope is 0.2, layers 1..K lose some numbers
in training and are brought to length 1 where they are joined, and L2 is on the joined vectors that the batch compares.

Deviations: attention begins as what the first vectors say, where the authors' code begins with degrees; W_r begins as the identity; L_KG
has no L2 term unless `--weight_decay` says so; terms are means over their batches. An epoch of L_KG takes every edge once, as (2) has it;
the authors' code takes one edge of every head in turn, which does as well on MovieLens and worse on LastFM.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_triples
from turret.batches.pairs import Pairs
from turret.batches.triples import FactBatches
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Path, Scorer
from turret.data.beside import Triples
from turret.data.prepared import Prepared
from turret.graphs.aggregation import Aggregation
from turret.graphs.paths import Hop, strongest
from turret.graphs.propagation import Propagation
from turret.graphs.relations import TypedEdges, collaborative_knowledge_graph
from turret.losses.pairwise import bpr
from turret.nn.linear import Linear
from turret.nn.tables import Computed
from turret.nn.translation import FREE, trans_r
from turret.training.alternate import Alternate, Turn, shares
from turret.training.composition import Composition, objective_of, scorer_of
from turret.training.config import Training
from turret.training.objectives.facts import AgainstFalse

SLOPE = 0.2
BLOCK = 1 << 16
"""Edges whose attention is computed at a time."""


class Config(BaseModel):
    """KGAT's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the vectors of users and entities."""
    relation_dim: int = Field(default=64, ge=1)
    """Width of the vectors of relations, and of what W_r makes of entities."""
    layer_widths: tuple[int, ...] = Field(default=(64, 32, 16), min_length=1)
    """Widths of layers 1..K."""
    message_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the numbers of each layer that training blocks."""
    l2: float = Field(default=1e-5, ge=0)
    """lambda, the weight of the L2 term on the vectors of the batch."""
    fact_batch_size: int = Field(default=2048, ge=1)
    """Edges of a step of L_KG."""
    composition: Composition = Composition(loss="bpr")
    """What L_CF is put together from; the paper's is BPR against one uniformly drawn unseen item."""
    training: Training = Training(learning_rate=0.001, batch_size=1024, epochs=1000, eval_every=2, early_stop_patience=10)
    """How it is trained; of the epochs one half is that of L_CF, one that of L_KG."""


class BiInteraction(nn.Module):
    """What a node becomes of itself and of its neighbours (8).

    Args:
        width: of the layer before.
        out: of this one.
        dropout: as in `Config`.
    """

    def __init__(self, width: int, out: int, dropout: float) -> None:
        super().__init__()
        self.added, self.multiplied, self.dropout = Linear(width, out), Linear(width, out), dropout
        for linear in (self.added, self.multiplied):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, own: Tensor, received: Tensor) -> Tensor:
        """[V, D], [V, D] -> [V, D']."""
        e = F.leaky_relu(self.added(own + received), SLOPE) + F.leaky_relu(self.multiplied(own * received), SLOPE)
        return F.dropout(e, self.dropout, self.training)


class KGAT(nn.Module):
    """The vectors of all nodes, users first, and the graph between them.

    Args:
        edges: of the joint graph, V nodes; its relations are those of the triples, "interact", and the inverses in the same order.
        n_users, n_items: how many there are.
        embed_dim, relation_dim, layer_widths, message_dropout: as in `Config`.
        scorer: between both sides; the paper's is the inner product (12).

    Attributes:
        of_asked: the edges of users and items, which come first.
        attention: pi, float [E]; it is saved, since the vectors that it was computed from have changed since.
    """

    reads = Reads(user=True)
    attention: Tensor

    def __init__(
        self,
        edges: TypedEdges,
        n_users: int,
        n_items: int,
        embed_dim: int,
        relation_dim: int,
        layer_widths: Sequence[int],
        message_dropout: float,
        scorer: Scorer,
    ) -> None:
        super().__init__()
        self.edges, self.n_users, self.n_items, self.scorer = edges, n_users, n_items, scorer
        self.translation = trans_r(edges.n_nodes, edges.n_relations, embed_dim, relation_dim, FREE)
        nodes = self.translation.entities.weight.data
        for table in (nodes[:n_users], nodes[n_users:], self.translation.relations.weight):
            nn.init.xavier_normal_(table)
        self.layers = nn.ModuleList(BiInteraction(width, out, message_dropout) for width, out in pairwise((embed_dim, *layer_widths)))
        asked = n_users + n_items
        self.of_asked = Aggregation(edges.offsets[: asked + 1], edges.tails[: int(edges.offsets[asked])], edges.n_nodes)
        self.register_buffer("attention", torch.empty(len(edges)))
        self.attend()

    @torch.no_grad()
    def attend(self) -> None:
        """Computes attention from the vectors as they are now."""
        edges = zip(*(torch.split(part, BLOCK) for part in (self.edges.heads, self.edges.relations, self.edges.tails)), strict=True)
        scores = [
            (self.translation.projected(tails, relations) * self.translation.translated(heads, relations).tanh()).sum(dim=1)
            for heads, relations, tails in edges
        ]
        self.attention = self.edges.segments.softmax(torch.cat(scores))

    def encode(self) -> Encoded:
        """All users' and items' vectors of all layers, side by side. The last layer is computed for them alone."""
        asked, e = self.n_users + self.n_items, self.translation.entities.dense()
        found, inner = [e[:asked]], self._weighted(self.edges.aggregation)
        *others, last = self.layers
        for layer in others:
            e = layer(e, inner(e))
            found.append(F.normalize(e[:asked], dim=1))
        found.append(F.normalize(last(e[:asked], self._weighted(self.of_asked)(e)), dim=1))
        nodes = torch.cat(found, dim=1)
        return Encoded(items=Computed(nodes[self.n_users :]), users=Computed(nodes[: self.n_users]))

    def _weighted(self, edges: Aggregation) -> Propagation:
        """n as a product: attention is a constant until it is computed anew."""
        attention = self.attention[: len(edges.tails)]
        return Propagation(
            (edges.offsets, edges.tails, attention), (edges.tail_offsets, edges.heads_by_tail, attention.index_select(0, edges.by_tail))
        )

    def query(self, context: Context, encoded: Encoded) -> Query:
        """e_u: [B, D + D_1 + ... + D_K]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])

    def score_triples(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """- d(h, r, t): see `training.objectives.facts.TripleScorer`."""
        return self.translation.score_triples(heads, relations, tails)

    @torch.no_grad()
    def why(self, users: Tensor, items: Tensor, count: int) -> Sequence[Sequence[Path]]:
        """Paths of at most K - 1 edges of the knowledge graph, not by way of other users. A weight is the product of pi along the way from
        the user."""
        interact = self.edges.n_relations // 2 - 1
        heads, relations, tails, weights = (
            part.cpu().numpy() for part in (self.edges.heads, self.edges.relations, self.edges.tails, self.attention.double())
        )
        known = (heads >= self.n_users) & (tails >= self.n_users)
        between = relations[known] - (relations[known] > interact)  # as the triples number them, without "interact"
        hops = [Hop(heads[known] - self.n_users, between, tails[known] - self.n_users, weights[known])] * (len(self.layers) - 1)
        found = []
        for user, item in zip(users.tolist(), items.tolist(), strict=True):
            mine = slice(*np.searchsorted(heads, [user, user + 1]))
            found.append(strongest(tails[mine] - self.n_users, weights[mine], hops, item, self.edges.n_nodes - self.n_users, count))
        return found


def build(config: Config, prepared: Prepared) -> KGAT:
    """A KGAT on the dataset's knowledge graph and the choices of the training part."""
    edges = joint_graph(needs_triples(prepared, "KGAT"), prepared)
    scorer = scorer_of(config.composition, config.embed_dim + sum(config.layer_widths))
    sizes = prepared.n_users, prepared.n_items, config.embed_dim, config.relation_dim
    return KGAT(edges, *sizes, config.layer_widths, config.message_dropout, scorer)


def joint_graph(triples: Triples, prepared: Prepared) -> TypedEdges:
    """The triples and the choices of the training part, each with its inverse."""
    train, n_relations = prepared.train, triples.n_relations // (2 if triples.inverse else 1)
    given = triples.relation < n_relations  # not the inverses that are there already
    heads, relations, tails = (column[given] for column in (triples.head, triples.relation, triples.tail))
    sizes = prepared.n_users, triples.n_entities, n_relations
    return collaborative_knowledge_graph(train.user, train.item, heads, relations, tails, *sizes)


def recipe(config: Config, prepared: Prepared) -> Alternate:
    """An epoch of pairs against sampled negatives, then one of edges against false ones, then attention anew."""
    training = config.training
    pairs, edges = Pairs(prepared.train, training.batch_size), joint_graph(needs_triples(prepared, "KGAT"), prepared)
    facts = FactBatches(edges.heads.numpy(), edges.relations.numpy(), edges.tails.numpy(), edges.n_nodes, config.fact_batch_size)
    first, second = (training.model_copy(update={"epochs": epochs}) for epochs in shares(training.epochs, (1, 1)))
    return Alternate(
        [
            Turn(("translation", "layers"), pairs, objective_of(prepared, pairs, config.composition, {}, config.l2), first),
            # Facts are multiplied by the matrix of each relation, of which there are many with few facts each.
            Turn(("translation",), facts, AgainstFalse(bpr), second, ends=KGAT.attend, threads=1),
        ]
    )
