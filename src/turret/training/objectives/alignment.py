"""Right items near their queries, everything else apart: nothing is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from turret.core.context import Positives
from turret.core.contracts import Retriever, Step
from turret.losses.contrastive import alignment, uniformity
from turret.training.objectives.penalties import Schedule, penalised, squared_norms


@dataclass(frozen=True)
class AlignmentUniformity:
    """alignment(q, i+) + gamma (uniformity(q) + uniformity(i+)) / 2 over the right items of a batch and their queries.

    C. Wang, Y. Yu, W. Ma, M. Zhang, C. Chen, Y. Liu, S. Ma. "Towards Representation Alignment and Uniformity in Collaborative Filtering."
    KDD 2022. What occurs several times in a batch counts as often, as in the authors' code.

    Attributes:
        uniformity_weight: gamma.
        penalties: for each of the model's named penalties its weight at a step.
        l2: lambda of the term lambda / 2 * (|u|^2 + |i+|^2), on the free parameters behind the vectors, averaged over targets.
    """

    uniformity_weight: float = 1.0
    penalties: Mapping[str, Schedule] = field(default_factory=dict)
    l2: float = 0.0

    def __call__(self, model: Retriever, batch: Positives, step: Step) -> Tensor:
        """A scalar."""
        encoded = model.encode()
        query = model.query(batch.context, encoded)
        vector = query.vector if batch.rows is None else query.vector[batch.rows]
        items = encoded.items[batch.target]
        total = alignment(vector, items) + self.uniformity_weight * (uniformity(vector) + uniformity(items)) / 2
        if self.l2:
            total = total + self.l2 * squared_norms(batch, encoded)
        return penalised(total, query, self.penalties, step)
