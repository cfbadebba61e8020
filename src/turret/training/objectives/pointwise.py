"""Each impression for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from turret.core.context import Impressions
from turret.core.contracts import Balanced, Guided, Ranker, Step
from turret.losses.pointwise import PointwiseLoss


@dataclass(frozen=True)
class Pointwise:
    """The mean of `loss` over the impressions of a batch, summed over the model's tasks, which are the first of the log's.

    Attributes:
        loss: one of `losses.pointwise`.
        positive_weight: how much an impression of label 1 counts, where one of label 0 counts 1.
        offset: is added to the logits of training. Weights and down-sampling multiply the odds that training sees; with the logarithm of
            that factor here, the model's own logits are those of the log as it is (see `training.clicks`).
        penalties: factors of the terms that a `Guided` model adds, by name.
        products: the type that the model's matrix products are taken in.
    """

    loss: PointwiseLoss
    positive_weight: float = 1.0
    offset: float = 0.0
    penalties: Mapping[str, float] = field(default_factory=dict)
    products: torch.dtype = torch.float32

    def __call__(self, model: Ranker, batch: Impressions, step: Step) -> Tensor:
        """A scalar."""
        losses, penalty = self.parts(model, batch, step)
        return losses.sum() + penalty

    def parts(self, model: Ranker, batch: Impressions, step: Step) -> tuple[Tensor, Tensor]:
        """The loss of each task [T], and the weighted sum of the penalties, a scalar."""
        with torch.autocast(batch.tokens.device.type, self.products, enabled=self.products != torch.float32):
            if isinstance(model, Guided):
                logits, terms = model.guided(batch, step.generator)
            else:
                logits, terms = model(batch), dict[str, Tensor]()
        labels = batch.labels[:, : logits.shape[1]]
        losses = self.loss(logits.to(labels.dtype) + self.offset, labels)
        if self.positive_weight != 1.0:
            losses = losses * torch.where(labels == 1, self.positive_weight, 1.0)
        return losses.mean(dim=0), sum((self.penalties[name] * term for name, term in terms.items()), start=losses.new_zeros(()))


@dataclass(frozen=True)
class MultiTask:
    """The losses of several tasks, balanced by the model's own rule (`nn.balance`).

    Attributes:
        each: gives the loss of each task.
    """

    each: Pointwise

    def __call__(self, model: Balanced, batch: Impressions, step: Step) -> Tensor:
        """A scalar."""
        losses, penalty = self.each.parts(model, batch, step)
        total: Tensor = model.balance(losses, model.shared()) + penalty
        return total
