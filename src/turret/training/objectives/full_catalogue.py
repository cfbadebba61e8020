"""The right items against all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from turret.core.context import Positives
from turret.core.contracts import Retriever, Step
from turret.losses.full import dot_softmax_cross_entropy, softmax_cross_entropy
from turret.scorers.dot import Dot
from turret.training.objectives.sampled import Schedule


@dataclass(frozen=True)
class FullCatalogue:
    """Softmax cross-entropy over every item: summed over a query's targets, averaged over the queries of the batch.

    Under the inner product the scores of all queries never exist at once (`losses.full`); any other scorer gives its [Q, I] in full.

    Attributes:
        penalties: for each of the model's named penalties its weight at a step.
    """

    penalties: Mapping[str, Schedule] = field(default_factory=dict)

    def __call__(self, model: Retriever, batch: Positives, step: Step) -> Tensor:
        """A scalar."""
        encoded = model.encode()
        query = model.query(batch.context, encoded)
        items, answers = encoded.items.dense(), (batch.target, batch.rows, batch.weight)
        if isinstance(model.scorer, Dot):
            loss = dot_softmax_cross_entropy(query.vector, items, *answers)
        else:
            loss = softmax_cross_entropy(model.scorer.all(query.vector, items), *answers)
        total = loss / len(query.vector)
        for name, penalty in query.penalties.items():
            total = total + self.penalties[name](step.number) * penalty
        return total
