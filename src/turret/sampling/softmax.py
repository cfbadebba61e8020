"""Items drawn from the softmax of a model's scores, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from turret.core.context import Context, Encoded
from turret.core.contracts import Retriever, Step, Targets
from turret.sampling import categorical


class Own:
    """A `Distribution`: P(i | q) in proportion to exp(score(q, i) / temperature), for the scores of the model that is trained.

    Every draw scores the whole catalogue, a block of queries at a time. It is what the quantising samplers approximate.

    Args:
        temperature: the lower, the harder.
    """

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature = temperature

    def refresh(self, targets: Targets, step: Step) -> None:
        """Does nothing: the scores are always those of the moment."""

    @torch.no_grad()
    def draw(self, targets: Targets, count: int, generator: torch.Generator) -> Tensor:
        """int64 [T, `count`]."""
        uniform = torch.rand((len(targets), count), generator=generator, device=generator.device, dtype=torch.float64)
        parts = [categorical.draw(categorical.softmax(logits), uniform[rows]) for rows, logits in self._logits(targets)]
        return torch.cat(parts)

    @torch.no_grad()
    def log_prob(self, targets: Targets, items: Tensor) -> Tensor:
        """float32 [T, C] of `items` int64 [T, C]."""
        items = items.expand(len(targets), -1)
        parts = [logits.gather(1, items[rows]) - logits.logsumexp(dim=1, keepdim=True) for rows, logits in self._logits(targets)]
        return torch.cat(parts).float()

    def _logits(self, targets: Targets) -> Iterator[tuple[slice, Tensor]]:
        """Blocks of queries, and of each the float64 [B, I] scores by the temperature."""
        vectors = targets.encoded.items.dense()
        for rows in categorical.blocks(len(targets), len(vectors)):
            yield rows, targets.scorer.all(targets.query[rows], vectors).double() / self.temperature


class Retrieved:
    """A `Distribution`: the softmax of another retriever's scores, for the user of each right item.

    It is the generator of J. Wang et al., "IRGAN: A Minimax Game for Unifying Generative and Discriminative Information Retrieval Models",
    SIGIR 2017, to the model that is trained as its discriminator; how the generator is trained is not decided here. Deviation: draws come
    from the generator's softmax itself, with no share of the right items mixed in.

    Args:
        retriever: on the device of the model, and known to answer for users alone.
        temperature: the lower, the harder.

    Raises:
        ValueError: the retriever reads histories, which right items do not bring with them.
    """

    def __init__(self, retriever: Retriever, temperature: float = 1.0) -> None:
        if retriever.reads.history:
            raise ValueError("a retriever that draws negatives must answer for a user's id alone; this one reads histories")
        self._retriever, self._own = retriever, Own(temperature)
        self._encoded: Encoded | None = None

    @torch.no_grad()
    def refresh(self, targets: Targets, step: Step) -> None:
        """Takes up what the retriever's vectors have become."""
        self._encoded = self._retriever.encode()

    def draw(self, targets: Targets, count: int, generator: torch.Generator) -> Tensor:
        """int64 [T, `count`]."""
        return self._own.draw(self._asked(targets), count, generator)

    def log_prob(self, targets: Targets, items: Tensor) -> Tensor:
        """float32 [T, C] of `items` int64 [T, C]."""
        return self._own.log_prob(self._asked(targets), items)

    @torch.no_grad()
    def _asked(self, targets: Targets) -> Targets:
        """The same targets, as this retriever sees them."""
        if targets.users is None:
            raise ValueError("to draw what a retriever recommends, the sampler needs to know the users")
        assert self._encoded is not None
        query = self._retriever.query(Context(users=targets.users), self._encoded).vector
        return replace(targets, query=query, encoded=self._encoded, scorer=self._retriever.scorer)
