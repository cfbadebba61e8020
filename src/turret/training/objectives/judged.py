"""Right items against others, of a model that judges each pair of a user and an item by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from turret.core.context import Positives
from turret.core.contracts import Step
from turret.losses.scored import SampledLoss, Scored
from turret.sampling.seen import Seen


class Judge(Protocol):
    """A model whose items have no vectors of their own, since what they are depends on who asks."""

    def pairs(self, users: Tensor, items: Tensor) -> Tensor:
        """Logits: int64 [T], [T, C] -> float [T, C]."""
        ...


class Auxiliary(Protocol):
    """What is minimised beside the loss of a pair's logit."""

    def __call__(self, model: Any, users: Tensor, items: Tensor) -> Tensor:
        """float [T, C] for users int64 [T] and items int64 [T, C], of which column 0 is the right one."""
        ...


@dataclass(frozen=True)
class Judged:
    """The mean over right items of a loss against unseen ones, and of auxiliaries summed over both, each with its weight.

    Attributes:
        loss: one of `losses`, over the scores of right items and their negatives.
        seen: what users have taken; negatives are drawn uniformly from the rest.
        negative_count: of each right item.
        beside: auxiliaries and their weights; what has weight 0 is not computed.
    """

    loss: SampledLoss
    seen: Seen
    negative_count: int = 1
    beside: Sequence[tuple[float, Auxiliary]] = ()

    def __call__(self, model: Judge, batch: Positives, step: Step) -> Tensor:
        """A scalar."""
        users, target = batch.context.users, batch.target[:, None]
        assert users is not None
        shape = len(users), self.negative_count
        others, log_q = self.seen.draw(users, torch.rand(shape, generator=step.generator, device=users.device, dtype=torch.float64))
        mask = others != target if self.seen.exhausted else None
        items = torch.cat([target, others], dim=1)
        scores = model.pairs(users, items)
        total = self.loss(Scored(scores[:, 0], scores[:, 1:], log_q, mask)).mean()
        counts = torch.ones_like(scores) if mask is None else torch.cat([torch.ones_like(target), mask], dim=1)
        for weight, auxiliary in self.beside:
            if weight:
                total = total + weight * (counts * auxiliary(model, users, items)).sum() / len(users)
        return total
