"""CKE: matrix factorisation in which an item's vector is its own and what a knowledge graph says of it, learnt together.

    e_i = eta_i + v_i,    y_ui = <u, e_i>
    f(h, r, t) = | M_r v_h + r - M_r v_t |^2
    minimise  sum over (u, i, j) of  -ln sigmoid(y_ui - y_uj)
            + sum over (h, r, t, t') of  -ln sigmoid(f(h, r, t') - f(h, r, t))
            + lambda |parameters|^2

F. Zhang, N. J. Yuan, D. Lian, X. Xie, W.-Y. Ma. "Collaborative Knowledge Base Embedding for Recommender Systems." KDD 2016, sections 4.1
and 5. The structural part is TransR (`nn.translation`) with a prior on lengths instead of a bound.

Deviations: texts and images of items, two further summands of e_i, are left out. Both sums are means over a step's pairs and facts, with a
weight between them; an epoch takes each pair once, and the facts go round beside them. One lambda for all, on what a step touches. Adam in
place of plain gradient descent.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_triples
from turret.batches.pairs import Pairs
from turret.batches.triples import FactBatches, PairsWithFacts
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.losses.pairwise import bpr
from turret.nn.summed import Summed
from turret.nn.tables import Table
from turret.nn.translation import FREE, Translation, trans_r
from turret.training.composition import Composition, objective_of, scorer_of
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.objectives.facts import AgainstFalse, FactsBeside
from turret.training.procedures import Gradient


class Config(BaseModel):
    """CKE's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the vectors of users, items and entities."""
    relation_dim: int = Field(default=64, ge=1)
    """Width of the vectors of relations, and of entities as relations see them."""
    knowledge_weight: float = Field(default=1.0, ge=0)
    """How much the facts count, where the pairs count 1; with 0 nothing of the graph is learnt."""
    composition: Composition = Composition(loss="bpr")
    """What pairs are compared by; the paper's is BPR against uniformly drawn unseen items, by the inner product."""
    training: Training = Training(
        learner="sparse_adam", learning_rate=0.002, weight_decay=1e-5, batch_size=2048, epochs=300, early_stop_patience=12
    )
    """How it is trained; weight_decay is the paper's lambda, on the rows of each batch. A step has as many facts as pairs."""


class CKE(nn.Module):
    """Two tables, and a graph.

    Args:
        n_users, n_items: rows of the tables.
        embed_dim: D.
        graph: entities of width D, of which the first are the items.
        scorer: between users and items.

    Attributes:
        users, items: u and eta.
        graph: v, r and M.
    """

    reads = Reads(user=True)

    def __init__(self, n_users: int, n_items: int, embed_dim: int, graph: Translation, scorer: Scorer) -> None:
        super().__init__()
        self.users = Table(n_users, embed_dim)
        self.items = Table(n_items, embed_dim)
        self.graph = graph
        self.scorer = scorer

    def encode(self) -> Encoded:
        """u, and eta + v."""
        return Encoded(items=Summed(self.items, self.graph.entities), users=self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])

    def score_triples(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """- f(h, r, t): see `training.objectives.facts.TripleScorer`."""
        return self.graph.score_triples(heads, relations, tails)


def build(config: Config, prepared: Prepared) -> CKE:
    """A CKE for the users, items and graph that training saw."""
    triples, scorer = needs_triples(prepared, "CKE"), scorer_of(config.composition, config.embed_dim)
    graph = trans_r(triples.n_entities, triples.n_relations, config.embed_dim, config.relation_dim, bounds=FREE)
    return CKE(prepared.n_users, prepared.n_items, config.embed_dim, graph, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled items, and facts against sampled tails."""
    triples, size = needs_triples(prepared, "CKE"), config.training.batch_size
    facts = FactBatches(triples.head, triples.relation, triples.tail, triples.n_entities, size)
    batches = PairsWithFacts(Pairs(prepared.train, size), facts)
    main = objective_of(prepared, batches, config.composition, {})
    objective = Beside(main, [(config.knowledge_weight, FactsBeside(AgainstFalse(bpr)))])
    # One thread: facts are multiplied by the matrix of each relation, of which there are many with few facts each.
    return Gradient(batches, objective, config.training, threads=1)
