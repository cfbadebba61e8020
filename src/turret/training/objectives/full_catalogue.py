"""The right items against all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from turret.core.context import Positives
from turret.core.contracts import InnerProduct, Retriever, Step
from turret.losses.full import dot_softmax_cross_entropy, softmax_cross_entropy
from turret.training.objectives.penalties import Schedule, penalised, squared_norms


@dataclass(frozen=True)
class FullCatalogue:
    """A loss over every item: summed over a query's targets, averaged over the queries of the batch.

    Where the scorer is an inner product, the scores of all queries never exist at once (`losses.full`); any other gives its [Q, I] in full.

    Attributes:
        loss: of scores [Q, I], targets, their queries and weights.
        factored: the same of the vectors [Q, D] and [I, D] whose inner products are the scores.
        penalties: for each of the model's named penalties its weight at a step.
        l2: lambda of the term lambda / 2 * (|u|^2 + |i+|^2), on the free parameters behind the vectors, averaged over targets.
    """

    loss: Callable[..., Tensor] = softmax_cross_entropy
    factored: Callable[..., Tensor] = dot_softmax_cross_entropy
    penalties: Mapping[str, Schedule] = field(default_factory=dict)
    l2: float = 0.0

    def __call__(self, model: Retriever, batch: Positives, step: Step) -> Tensor:
        """A scalar."""
        encoded = model.encode()
        query = model.query(batch.context, encoded)
        items, answers, scorer = encoded.items.dense(), (batch.target, batch.rows, batch.weight), model.scorer
        if isinstance(scorer, InnerProduct):
            loss = self.factored(scorer.query_side(query.vector), scorer.item_side(items), *answers)
        else:
            loss = self.loss(scorer.all(query.vector, items), *answers)
        total = loss / len(query.vector)
        if self.l2:
            total = total + self.l2 * squared_norms(batch, encoded)
        return penalised(total, query, self.penalties, step)
