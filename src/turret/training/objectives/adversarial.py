"""Two retrievers against each other: one that tells right items from others, and one that draws the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from turret.core.context import Positives
from turret.core.contracts import Retriever, Step
from turret.losses.full import softmax_cross_entropy
from turret.losses.scored import SampledLoss
from turret.sampling.drawn import Drawn
from turret.sampling.seen import Seen
from turret.sampling.softmax import Retrieved
from turret.training.objectives.sampled import Sampled


class Adversaries(Protocol):
    """A model of two retrievers.

    Attributes:
        generator: draws items.
        discriminator: tells them from right ones.
    """

    generator: Retriever
    discriminator: Retriever


@dataclass(frozen=True)
class Discriminating:
    """The discriminator's share: right items against those that the generator draws, p(i | u) = softmax of its scores.

    Attributes:
        loss: between both.
        negative_count: items drawn for each right one.
        temperature: what the generator's scores are divided by.
    """

    loss: SampledLoss
    negative_count: int = 1
    temperature: float = 1.0

    def __call__(self, model: Adversaries, batch: Positives, step: Step) -> Tensor:
        """A scalar."""
        drawn = Drawn(Retrieved(model.generator, self.temperature), self.negative_count, corrected=False)
        return Sampled(self.loss, drawn)(model.discriminator, batch, step)


@dataclass(frozen=True)
class Generating:
    """The generator's share: items that the discriminator takes for right ones become likelier (REINFORCE).

        - mean over draws i of  log p(i | u)  r(i)  p(i | u) / p'(i | u),       r(i) = 2 sigmoid(discriminator's score) - 1
        i ~ p' = (1 - lambda) p + lambda uniform over what the user has taken

    Before that, for some steps, the likelihood of right items, - log p(i+ | u), so that it draws better than by chance when it begins.

    Attributes:
        seen: what users have taken.
        draws: items drawn for each right one.
        positive_share: lambda.
        temperature: what the scores are divided by.
        warm_up: steps of maximum likelihood.
    """

    seen: Seen
    draws: int = 2
    positive_share: float = 0.2
    temperature: float = 1.0
    warm_up: int = 0

    def __call__(self, model: Adversaries, batch: Positives, step: Step) -> Tensor:
        """A scalar."""
        encoded = model.generator.encode()
        query = model.generator.query(batch.context, encoded).vector
        scores = model.generator.scorer.all(query, encoded.items.dense()) / self.temperature
        if step.number < self.warm_up:
            return softmax_cross_entropy(scores, batch.target) / len(batch.target)
        log_p = scores.log_softmax(dim=1)
        drawn, users = self._drawn(log_p, batch.target, step.generator), batch.context.users
        assert users is not None
        chosen = log_p.gather(1, drawn)
        taken = self.seen.contains(users, drawn) / self.seen.counts(users)[:, None]
        p = chosen.detach().exp()
        importance = p / ((1 - self.positive_share) * p + self.positive_share * taken)
        return -(chosen * importance * self._rewards(model.discriminator, batch, drawn)).mean()

    @torch.no_grad()
    def _drawn(self, log_p: Tensor, target: Tensor, generator: torch.Generator) -> Tensor:
        """int64 [T, draws]. A batch has every right item once, so that its own is a uniform draw from what the user has taken."""
        drawn = torch.multinomial(log_p.exp(), self.draws, replacement=True, generator=generator)
        right = torch.rand(drawn.shape, generator=generator, device=drawn.device) < self.positive_share
        return torch.where(right, target[:, None], drawn)

    @torch.no_grad()
    def _rewards(self, discriminator: Retriever, batch: Positives, drawn: Tensor) -> Tensor:
        """float [T, draws]."""
        encoded = discriminator.encode()
        query = discriminator.query(batch.context, encoded).vector
        scores = discriminator.scorer.pairs(query, encoded.items[drawn])
        return 2 * torch.sigmoid(scores) - 1
