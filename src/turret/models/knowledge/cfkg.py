"""CFKG: users, items and what is known of items as one graph, in which "chose" is one more relation.

    y_ui = <u + r_chose, i>,    and likewise  <h + r, t>  of every other triple
    minimise  sum over (h, r, t) of  -ln sigmoid(<h + r, t>)  -  sum over k sampled t' of  ln sigmoid(-<h + r, t'>)

Q. Ai, V. Azizi, X. Chen, Y. Zhang. "Learning Heterogeneous Knowledge Base Embeddings for Explainable Recommendation." Algorithms 11(9),
2018, section 4. With `--scorer euclidean --loss hinge --knowledge_loss hinge --bounded` it is TransE over the same graph, and with another
`--translation` the translation of that name (`nn.translation`).

Deviations: pairs and the other triples are two means with a weight between them; an epoch takes each pair once, and the facts go round
beside them. Sampled tails are those that would make false triples: of "chose", unseen items; of other relations, any entity but users.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from turret.batches.needs import needs_triples
from turret.batches.pairs import Pairs
from turret.batches.triples import FactBatches, PairsWithFacts
from turret.core.context import Context, Encoded, Query, Reads
from turret.core.contracts import Scorer
from turret.data.prepared import Prepared
from turret.losses.pairwise import hinge
from turret.losses.pointwise import against_zeros, binary_cross_entropy
from turret.losses.scored import SampledLoss
from turret.nn.translation import FREE, TRANSLATIONS, Reached, Translation, TranslationName
from turret.training.composition import Composition, objective_of, scorer_of
from turret.training.config import Training
from turret.training.objectives.beside import Beside
from turret.training.objectives.facts import AgainstFalse, FactsBeside
from turret.training.procedures import Gradient


class Config(BaseModel):
    """CFKG's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embed_dim: int = Field(default=64, ge=1)
    """Width of the vectors of users, entities and relations."""
    translation: TranslationName = "transe"
    """How a relation leads from heads to tails; the paper's is the sum of transe."""
    bounded: bool = False
    """Whether lengths are bounded as the translation's own paper bounds them, which distances need and inner products do not."""
    knowledge_loss: Literal["binary_cross_entropy", "hinge"] = "binary_cross_entropy"
    """What facts are told from false ones by: the paper's negative sampling, or a margin, as translations have it."""
    knowledge_margin: float = Field(default=1.0, ge=0)
    """By how much the scores of false triples should be lower (hinge)."""
    knowledge_weight: float = Field(default=1.0, ge=0)
    """How much facts count, where pairs count 1; with 0 nothing of the graph is learnt."""
    composition: Composition = Composition(loss="binary_cross_entropy")
    """What pairs are told from sampled ones by, and the scorer of both; the paper's is negative sampling, by the inner product. A fact has
    as many false ones beside it as a pair has."""
    training: Training = Training(
        learner="sparse_adam", learning_rate=0.005, weight_decay=1e-5, batch_size=2048, epochs=300, early_stop_patience=12
    )
    """How it is trained. A step has as many facts as pairs. What all like is learnt first, and training should not end before what each
    likes: on small logs that takes a higher rate, or more patience."""


class CFKG(nn.Module):
    """One graph.

    Args:
        n_users, n_items: U, I.
        graph: of the entities, the first of which are the items, then U users; of the relations, and last "chose".
        scorer: between what a head and a relation lead to, and tails.
    """

    reads = Reads(user=True)

    def __init__(self, n_users: int, n_items: int, graph: Translation, scorer: Scorer) -> None:
        super().__init__()
        self.graph, self.scorer, self.n_items = graph, scorer, n_items
        self.first_user = len(graph.entities.weight) - n_users
        self.chose = len(graph.relations.weight) - 1

    def encode(self) -> Encoded:
        """The items as what "chose" leads to."""
        return Encoded(items=Reached(self.graph, self.chose, self.n_items))

    def query(self, context: Context, encoded: Encoded) -> Query:
        """u + r_chose: [B, D]."""
        assert context.users is not None
        return Query(self.graph.translated(context.users + self.first_user, torch.full_like(context.users, self.chose)))

    def score_triples(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """How well h + r and t go together: int64 [T, 1], [T, 1], [T, C] -> [T, C]."""
        reached = self.graph.translated(heads, relations).squeeze(1)
        return self.scorer.pairs(reached, self.graph.projected(tails, relations))


def build(config: Config, prepared: Prepared) -> CFKG:
    """A CFKG for the users, items and graph that training saw."""
    triples, scorer, make = (
        needs_triples(prepared, "CFKG"),
        scorer_of(config.composition, config.embed_dim),
        TRANSLATIONS[config.translation],
    )
    sizes = triples.n_entities + prepared.n_users, triples.n_relations + 1, config.embed_dim
    graph = make(*sizes) if config.bounded else make(*sizes, bounds=FREE)
    return CFKG(prepared.n_users, prepared.n_items, graph, scorer)


def recipe(config: Config, prepared: Prepared) -> Gradient:
    """Pairs against sampled items, and facts against sampled tails."""
    triples, composition, size = needs_triples(prepared, "CFKG"), config.composition, config.training.batch_size
    facts = FactBatches(triples.head, triples.relation, triples.tail, triples.n_entities, size, composition.negative_count)
    batches = PairsWithFacts(Pairs(prepared.train, size), facts)
    main = objective_of(prepared, batches, composition, {})
    margin: SampledLoss = partial(hinge, margin=config.knowledge_margin)
    loss = margin if config.knowledge_loss == "hinge" else against_zeros(binary_cross_entropy)
    return Gradient(batches, Beside(main, [(config.knowledge_weight, FactsBeside(AgainstFalse(loss)))]), config.training)
