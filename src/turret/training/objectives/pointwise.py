"""Each impression for itself."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from turret.core.context import Impressions
from turret.core.contracts import Ranker, Step
from turret.losses.pointwise import PointwiseLoss


@dataclass(frozen=True)
class Pointwise:
    """The mean of `loss` over the impressions of a batch and the tasks.

    Attributes:
        loss: one of `losses.pointwise`.
    """

    loss: PointwiseLoss

    def __call__(self, model: Ranker, batch: Impressions, step: Step) -> Tensor:
        """A scalar."""
        return self.loss(model(batch), batch.labels).mean()
