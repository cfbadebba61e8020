"""What is added to a loss beside the comparison of items: a model's own penalties, and the L2 term on what a step looks up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from turret.core.context import Encoded, Positives, Query
from turret.core.contracts import Step

Schedule = Callable[[int], float]


def penalised(loss: Tensor, query: Query, penalties: Mapping[str, Schedule], step: Step) -> Tensor:
    """A loss with the weighted sum of a model's penalties at a step added: a scalar."""
    for name, penalty in query.penalties.items():
        loss = loss + penalties[name](step.number) * penalty
    return loss


def squared_norms(batch: Positives, encoded: Encoded, *items: Tensor) -> Tensor:
    """Half the squared norms of the free parameters behind a batch's users, its right items and further `items`, divided by the number of
    right items: a scalar."""
    rows = [encoded.items.free(ids) for ids in (batch.target, *items)]
    if encoded.users is not None and batch.context.users is not None:
        rows.append(encoded.users.free(batch.context.users))
    total: Tensor = sum((row.square().sum() for row in rows), start=rows[0].new_zeros(()))
    return total / (2 * len(batch.target))
