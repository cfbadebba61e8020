"""KGIN: users by what they intend with the items that they choose, items by the paths of relations that lead to them.

    e_p = sum over relations r of alpha(r, p) e_r,    alpha(., p) the softmax of w_p, for each of P intents
    beta(u, p) = softmax over p of  <e_p, e_u^(0)>
    m = 1 / |N_u|  sum over the items i that u chose of  e_i^(k-1)
    e_u^(k) = m + sum over p of beta(u, p) e_p o m
    e_h^(k) = 1 / |N_h|  sum over the edges (h, r, t) of  e_r o e_t^(k-1),    of items and other entities
    e = e^(0) + e^(1) + ... + e^(K),    y_ui = <e_u, e_i>
    minimise  sum over (u, i, j) of  -ln sigmoid(y_ui - y_uj)  +  lambda_1 sum over p < q of dCor(e_p, e_q)  +  lambda_2 |Theta|^2

X. Wang, T. Huang, D. Wang, Y. Yuan, Z. Liu, X. He, T.-S. Chua. "Learning Intents behind Interactions with Knowledge Graph for
Recommendation." WWW 2021, arXiv 2102.07057, section 3. As in the authors' code layers 1..K lose some numbers in training and are brought to
length 1, the mean m counts beside what intents make of it, and L2 is on the vectors that the batch compares.

Deviations: beta is as in the paper, where the authors' code has further vectors of intents for it, and asks anew in each layer; so is the
dependence of intents, which the code measures on w; no edge is dropped. L2 is averaged over the batch's pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_triples
from turret.batches.pairs import Pairs
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Path, Scorer
from turret.data.prepared import Prepared
from turret.graphs.bipartite import bipartite
from turret.graphs.paths import Hop, strongest
from turret.graphs.propagation import Propagation
from turret.graphs.relational_mean import RelationalMean
from turret.graphs.relations import TypedEdges
from turret.losses.independence import distance_correlation
from turret.nn.tables import Computed, Table
from turret.training.composition import Composition, from_composition, scorer_of
from turret.training.config import Training
from turret.training.procedures import Gradient


class Config(BaseModel):
    """KGIN's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of all vectors."""
    layers: int = Field(default=3, ge=1)
    """K, how often vectors are propagated."""
    intents: int = Field(default=4, ge=1)
    """P, the intents that users share."""
    message_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the numbers of each layer that training blocks."""
    independence_weight: float = Field(default=1e-4, ge=0)
    """lambda_1, how much intents should differ."""
    l2: float = Field(default=1e-5, ge=0)
    """lambda_2, the weight of the L2 term on the vectors of the batch."""
    composition: Composition = Composition(loss="bpr")
    """What it is put together from beside the graphs; the paper's is BPR against one uniformly drawn unseen item."""
    training: Training = Training(learning_rate=0.001, batch_size=1024, epochs=1000, early_stop_patience=10)
    """How it is trained."""


class KGIN(nn.Module):
    """Tables of users, entities and relations, and what intents make of relations.

    Args:
        chosen: [U, I], 1 / |N_u| where user u chose item i.
        edges: the knowledge graph, in both directions; its first I entities are the items.
        embed_dim: D.
        layers: K.
        intents: P.
        message_dropout: as in `Config`.
        scorer: between both sides; the paper's is the inner product.
    """

    reads = Reads(user=True)

    def __init__(
        self, chosen: Propagation, edges: TypedEdges, embed_dim: int, layers: int, intents: int, message_dropout: float, scorer: Scorer
    ) -> None:
        super().__init__()
        n_users, self.n_items = chosen.shape
        self.users = Table(n_users, embed_dim)
        self.entities = Table(edges.n_nodes, embed_dim)
        self.relations = Table(edges.n_relations, embed_dim)
        self.intents = nn.Parameter(nn.init.xavier_normal_(torch.empty(intents, edges.n_relations)))
        self.chosen, self.edges = chosen, edges
        self.mean, self.mean_of_items = RelationalMean(edges), RelationalMean(edges, self.n_items)
        self.layers, self.message_dropout, self.scorer = layers, message_dropout, scorer

    def intended(self) -> Tensor:
        """e_p: [P, D]."""
        return self.intents.softmax(dim=1) @ self.relations.dense()

    def encode(self) -> Encoded:
        """The sum over layers 0..K of all users' and items' vectors."""
        users, entities, relations, intended = self.users.dense(), self.entities.dense(), self.relations.dense(), self.intended()
        intention = (users @ intended.T).softmax(dim=1) @ intended
        of_users, of_items = users, entities[: self.n_items]
        for layer in range(1, self.layers + 1):
            taken = self.chosen(entities[: self.n_items])
            mean = self.mean if layer < self.layers else self.mean_of_items  # nobody asks for the other entities' last layer
            users, entities = self._kept(taken + intention * taken), self._kept(mean(entities, relations))
            of_users, of_items = of_users + users, of_items + entities[: self.n_items]
        return Encoded(items=Computed(of_items), users=Computed(of_users))

    def _kept(self, vectors: Tensor) -> Tensor:
        return F.normalize(F.dropout(vectors, self.message_dropout, self.training), dim=1)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """e_u: [B, D]; the penalty `dependence` is that of intents on each other."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users], {"dependence": distance_correlation(self.intended())})

    @torch.no_grad()
    def why(self, users: Tensor, items: Tensor, count: int) -> Sequence[Sequence[Path]]:
        """Paths of at most K - 1 edges. What a user makes of a relation is a(u, r) = sum over intents p of beta(u, p) alpha(r, p); a weight
        is 1 / |N_u|, multiplied by a(u, r) / |N_h| for each edge (h, r, t)."""
        alpha = self.intents.softmax(dim=1)
        beta = (self.users[users] @ self.intended().T).softmax(dim=1)
        asked = zip(users.tolist(), items.tolist(), (beta @ alpha).double(), strict=True)
        return [self._paths(user, item, attention, count) for user, item, attention in asked]

    def _paths(self, user: int, item: int, attention: Tensor, count: int) -> list[Path]:
        """Of one user, whose a(u, r) is [R], to one item."""
        edges = self.edges
        weights = attention[edges.relations] / edges.offsets.diff()[edges.heads]
        step = Hop(*(part.cpu().numpy() for part in (edges.heads, edges.relations, edges.tails, weights)))
        begin, end = self.chosen.get_buffer("forward_offsets")[user : user + 2].tolist()
        chosen, shares = (self.chosen.get_buffer(f"forward_{name}")[begin:end].cpu() for name in ("columns", "values"))
        return strongest(chosen.numpy(), shares.double().numpy(), [step] * (self.layers - 1), item, edges.n_nodes, count)


def build(config: Config, prepared: Prepared) -> KGIN:
    """A KGIN on the dataset's knowledge graph and the choices of the training part."""
    graph = needs_triples(prepared, "KGIN").with_inverses()
    edges = TypedEdges(graph.head, graph.relation, graph.tail, graph.n_entities, graph.n_relations)
    chosen, scorer = bipartite(prepared.train).random_walk(), scorer_of(config.composition, config.embed_dim)
    return KGIN(chosen, edges, config.embed_dim, config.layers, config.intents, config.message_dropout, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled negatives."""
    batches = Pairs(prepared.train, config.training.batch_size)
    penalties = {"dependence": lambda step: config.independence_weight}
    return from_composition(prepared, batches, config.composition, config.training, penalties=penalties, l2=config.l2)
