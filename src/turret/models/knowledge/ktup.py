"""KTUP: a user is translated to an item by a preference, and a head to a tail by the relation that is the preference's counterpart.

    f(h, r, t) = | P_w(r)(h) + r - P_w(r)(t) |^2,    P_w(e) = e - <w, e> w                                  TransH
    g(u, i) = | P_w(u) + p - P_w(i^) |^2,    i^ = i + e_i,    p and w induced from u and i^                 `nn.preferences`
    minimise  sum over (u, i, j) of  -ln sigmoid(g(u, j) - g(u, i))
            + sum over (h, r, t, h', t') of  [f(h, r, t) + gamma - f(h', r, t')]_+

Y. Cao, X. Wang, X. He, Z. Hu, T.-S. Chua. "Unifying Knowledge Graph Learning and Recommendation: Towards a Better Understanding of User
Preferences." WWW 2019, arXiv 1902.06236, sections 3 and 4. There are as many preferences as relations.

Deviations: the bounds on lengths are those of TransH where vectors are read (`nn.translation`): |e| <= 1 and |w| = 1; that r, and p, should
lie in their hyperplanes is not asked, nor that i be near e_i, both of which the authors' code adds to the loss. A soft preference is a
softmax, where that code takes the products as they are. The two sums are means with a weight between them in each step, where the paper's
weights add up to 1 and its code takes steps of the one or the other; nothing is trained before.
"""

from __future__ import annotations

from functools import partial

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_triples
from turret.batches.pairs import Pairs
from turret.batches.triples import FactBatches, PairsWithFacts
from turret.core.context import Context, Encoded, Query, Reads
from turret.data.prepared import Prepared
from turret.losses.pairwise import bpr, hinge
from turret.nn.in_ball import InBall
from turret.nn.preferences import Induction, Preferences
from turret.nn.summed import Summed
from turret.nn.translation import of_length_one, onto_hyperplane, unit_table
from turret.sampling.uniform import Uniform
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.objectives.facts import AgainstFalse, FactsBeside
from turret.training.objectives.sampled import Sampled
from turret.training.procedures import Gradient


class Config(BaseModel):
    """KTUP's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of all vectors (the paper takes 100)."""
    induction: Induction = "soft"
    """Whether a pair has all preferences, each as far as it fits, or (hard) the one that fits best."""
    knowledge_weight: float = Field(default=0.5, ge=0)
    """How much the facts count, where the pairs count 1."""
    knowledge_margin: float = Field(default=1.0, ge=0)
    """gamma, by how much false triples should be farther."""
    negative_count: int = Field(default=1, ge=1)
    """Items drawn for each right one."""
    training: Training = Training(
        learner="sparse_adam", learning_rate=0.002, weight_decay=1e-5, batch_size=2048, epochs=300, early_stop_patience=12
    )
    """How it is trained. A step has as many facts as pairs."""


class KTUP(nn.Module):
    """Users, items, entities, and what leads from the ones to the others.

    Args:
        n_users, n_items, n_entities, n_relations: rows of the tables; the first entities are the items.
        embed_dim: D.
        induction: of preferences.

    Attributes:
        users, items, entities: u, i and e.
        scorer: has p, r and both kinds of w.
    """

    reads = Reads(user=True)

    def __init__(self, n_users: int, n_items: int, n_entities: int, n_relations: int, embed_dim: int, induction: Induction) -> None:
        super().__init__()
        self.users, self.items = unit_table(n_users, embed_dim), unit_table(n_items, embed_dim)
        self.entities = unit_table(n_entities, embed_dim)
        self.scorer = Preferences(n_relations, embed_dim, induction)

    def encode(self) -> Encoded:
        """u, and i^ = i + e."""
        return Encoded(items=Summed(self.items, InBall(self.entities)), users=self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        """u: [B, D]."""
        assert context.users is not None and encoded.users is not None
        return Query(encoded.users[context.users])

    def score_triples(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """- f(h, r, t), the difference of the projected being the projected difference: see `training.objectives.facts.TripleScorer`."""
        entities, known = InBall(self.entities), self.scorer
        normals = of_length_one(known.relation_normals[relations])
        moved = onto_hyperplane(entities[heads] - entities[tails], normals) + known.relations[relations]
        return -moved.square().sum(dim=-1)


def build(config: Config, prepared: Prepared) -> KTUP:
    """A KTUP for the users, items and graph that training saw."""
    triples = needs_triples(prepared, "KTUP")
    sizes = prepared.n_users, prepared.n_items, triples.n_entities, triples.n_relations
    return KTUP(*sizes, config.embed_dim, config.induction)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled items, and facts against sampled heads and tails."""
    triples, size = needs_triples(prepared, "KTUP"), config.training.batch_size
    facts = FactBatches(triples.head, triples.relation, triples.tail, triples.n_entities, size, replaced="either")
    main = Sampled(bpr, Uniform(prepared.n_items, config.negative_count, prepared.train))
    beside = FactsBeside(AgainstFalse(partial(hinge, margin=config.knowledge_margin)))
    return Gradient(PairsWithFacts(Pairs(prepared.train, size), facts), Beside(main, [(config.knowledge_weight, beside)]), config.training)
