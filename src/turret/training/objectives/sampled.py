"""The right items against sampled ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from turret.core.context import Positives, Shared
from turret.core.contracts import Retriever, Sampler, Step
from turret.losses.sampled import SampledLoss

Schedule = Callable[[int], float]


@dataclass(frozen=True)
class Sampled:
    """The mean of `loss` over the targets of a batch, each against the negatives that `sampler` draws.

    Attributes:
        loss: one of `losses.sampled`.
        sampler: one of `sampling`.
        l2: lambda of the term lambda / 2 * (|u|^2 + |i+|^2 + sum |i-|^2), on the free parameters behind the vectors, averaged over targets.
        penalties: for each of the model's named penalties its weight at a step.
    """

    loss: SampledLoss
    sampler: Sampler
    l2: float = 0.0
    penalties: Mapping[str, Schedule] = field(default_factory=dict)

    def __call__(self, model: Retriever, batch: Positives, step: Step) -> Tensor:
        """A scalar."""
        encoded = model.encode()
        query = model.query(batch.context, encoded)
        vector = query.vector if batch.rows is None else query.vector[batch.rows]
        negatives = self.sampler(batch.context, batch.target, query, encoded, step.generator)
        if isinstance(negatives, Shared):
            positive = model.scorer.pairs(vector, encoded.items[batch.target][:, None]).squeeze(1)
            negative = model.scorer.all(vector, encoded.items[negatives.items])
            negative = negative.masked_fill(batch.target[:, None] == negatives.items, -torch.inf)
        else:
            candidates = torch.cat([batch.target[:, None], negatives.items], dim=1)
            scores = model.scorer.pairs(vector, encoded.items[candidates])
            positive, negative = scores[:, 0], scores[:, 1:]
        losses = self.loss(positive, negative, negatives.log_q)
        total = losses.mean() if batch.weight is None else (losses * batch.weight).sum() / batch.weight.sum()
        for name, penalty in query.penalties.items():
            total = total + self.penalties[name](step.number) * penalty
        if self.l2:
            rows = [encoded.items.free(batch.target), encoded.items.free(negatives.items)]
            if encoded.users is not None and batch.context.users is not None:
                rows.append(encoded.users.free(batch.context.users))
            total = total + self.l2 / 2 * sum(row.square().sum() for row in rows) / len(batch.target)
        return total
