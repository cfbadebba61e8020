"""Right items against zeros and beside what is like them, each pair weighed by what the model says it should."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from turret.core.context import Positives
from turret.core.contracts import Retriever, Sampler, Step, Targets
from turret.losses.pointwise import binary_cross_entropy
from turret.training.objectives.penalties import squared_norms


class Constraining(Retriever, Protocol):
    """A retriever whose graph is in the weights of its pairs."""

    def constraint(self, users: Tensor, items: Tensor) -> Tensor:
        """beta_ui: int64 [T], [T, C] -> float [T, C]."""
        ...

    def similar(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """int64 [T] -> int64 [T, K] items that are like them, float [T, K] omega, how much they are."""
        ...


@dataclass(frozen=True)
class Constrained:
    """The mean over right items (u, i), with N sampled j, of

        (a + b beta_ui) l(s_ui, 1)  +  w / N sum over j of (a + b beta_uj) l(s_uj, 0)  +  c sum over k like i of omega_ik l(s_uk, 1)

    where l is binary cross-entropy of a logit.

    K. Mao, J. Zhu, X. Xiao, B. Lu, Z. Wang, X. He. "UltraGCN: Ultra Simplification of Graph Convolutional Networks for Recommendation."
    CIKM 2021, section 3; N and w as in the authors' code.

    Attributes:
        sampler: one of `sampling`, each right item's negatives its own.
        plain_weight: a.
        constraint_weight: b.
        negative_weight: w.
        similar_weight: c.
        l2: lambda of the term lambda / 2 * (|u|^2 + |i+|^2 + sum |i-|^2), on the free parameters behind the vectors, averaged over targets.
    """

    sampler: Sampler
    plain_weight: float
    constraint_weight: float
    negative_weight: float
    similar_weight: float
    l2: float = 0.0

    def __call__(self, model: Constraining, batch: Positives, step: Step) -> Tensor:
        """A scalar."""
        encoded, users, target = model.encode(), batch.context.users, batch.target
        assert users is not None
        query = model.query(batch.context, encoded).vector
        drawn = self.sampler(Targets(target, users, query.detach(), encoded, model.scorer, batch.places), step)
        assert drawn.items.dim() == 2
        like, omega = model.similar(target)
        compared = torch.cat([target[:, None], drawn.items], dim=1)
        scores = model.scorer.pairs(query, encoded.items[torch.cat([compared, like], dim=1)])
        sizes = [1, drawn.items.shape[1], like.shape[1]]
        right, others, beside = torch.split(scores, sizes, dim=1)
        weights = self.plain_weight + self.constraint_weight * model.constraint(users, compared)
        counts = weights[:, 1:] if drawn.mask is None else weights[:, 1:] * drawn.mask
        losses = (weights[:, :1] * _towards(right, 1.0)).sum(dim=1)
        losses = losses + self.negative_weight * (counts * _towards(others, 0.0)).mean(dim=1)
        losses = losses + self.similar_weight * (omega * _towards(beside, 1.0)).sum(dim=1)
        total = losses.mean()
        return total + self.l2 * squared_norms(batch, encoded, drawn.items) if self.l2 else total


def _towards(scores: Tensor, label: float) -> Tensor:
    return binary_cross_entropy(scores, torch.full_like(scores, label))
