"""The right items against sampled ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from turret.core.context import Encoded, Negatives, Positives, Shared
from turret.core.contracts import Retriever, Sampler, Step, Targets
from turret.core.remembering import hand_back, state_of
from turret.losses.scored import SampledLoss, Scored
from turret.training.objectives.penalties import Schedule, penalised, squared_norms


@dataclass(frozen=True)
class Sampled:
    """A loss against negatives that `sampler` draws for each target: summed over a query's targets, averaged over the queries of the batch.

    Attributes:
        loss: one of `losses.sampled`, `losses.pairwise` or `losses.contrastive`.
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
        users = batch.context.askers()
        users = users if users is None or batch.rows is None else users[batch.rows]
        targets = Targets(batch.target, users, vector.detach(), encoded, model.scorer, batch.places)
        negatives = self.sampler(targets, step)
        losses = self.loss(scored(model, vector, batch.target, negatives, encoded))
        total = (losses if batch.weight is None else losses * batch.weight).sum() / len(query.vector)
        if self.l2:
            total = total + self.l2 * squared_norms(batch, encoded, negatives.items)
        return penalised(total, query, self.penalties, step)

    def state(self) -> dict[str, Tensor]:
        """What the sampler carries from step to step."""
        return state_of(self.sampler)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Hands it back to the sampler."""
        hand_back(self.sampler, state)


def scored(model: Retriever, query: Tensor, target: Tensor, negatives: Negatives, encoded: Encoded) -> Scored:
    """The scores of right items [T] and of their negatives, for the queries [T, D] that they should answer."""
    told = (negatives.log_q, negatives.mask, negatives.positive_log_q)
    if isinstance(negatives, Shared):
        vectors = encoded.items[torch.cat([target, negatives.items])]  # one lookup, since a tower's costs
        positive = model.scorer.pairs(query, vectors[: len(target), None]).squeeze(1)
        return Scored(positive, model.scorer.all(query, vectors[len(target) :]), *told)
    scores = model.scorer.pairs(query, encoded.items[torch.cat([target[:, None], negatives.items], dim=1)])
    return Scored(scores[:, 0], scores[:, 1:], *told)
