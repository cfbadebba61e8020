"""Ratings, and beside them items that were never rated."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from turret.batches.ratings import Rated
from turret.core.contracts import Retriever, Sampler, Step, Targets
from turret.losses.pointwise import PointwiseLoss
from turret.training.objectives.sampled import scored


@dataclass(frozen=True)
class AgainstRatings:
    """The mean over a batch's pairs of `loss` of the score against the rating, and of its negatives' scores against 0.

    Attributes:
        loss: one of `losses.pointwise`.
        sampler: one of `sampling`; it may draw none.
    """

    loss: PointwiseLoss
    sampler: Sampler

    def __call__(self, model: Retriever, batch: Rated, step: Step) -> Tensor:
        """A scalar."""
        encoded, pairs = model.encode(), batch.pairs
        vector = model.query(pairs.context, encoded).vector
        targets = Targets(pairs.target, pairs.context.users, vector.detach(), encoded, model.scorer, pairs.places)
        scores = scored(model, vector, pairs.target, self.sampler(targets, step), encoded)
        zeros = torch.zeros_like(scores.negative)
        return (self.loss(scores.positive, batch.rating) + scores.total(self.loss(scores.against, zeros))).mean()
