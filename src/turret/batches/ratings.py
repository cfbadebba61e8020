"""(user, item) pairs and what they were rated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from turret.batches.pairs import Pairs
from turret.core.context import Positives
from turret.core.errors import UnsupportedError
from turret.core.interactions import Interactions


@dataclass(frozen=True, slots=True)
class Rated:
    """Some pairs and their ratings.

    Attributes:
        pairs: T of them.
        rating: float32 [T], above 0, the highest being 1.
    """

    pairs: Positives
    rating: Tensor


class Ratings:
    """Every rating once an epoch, in random order, as a share of the highest.

    Args:
        interactions: the training part.
        batch_size: pairs a step; the last batch of an epoch may have fewer.

    Raises:
        UnsupportedError: there are no ratings, or some are 0 or less.
    """

    def __init__(self, interactions: Interactions, batch_size: int) -> None:
        if interactions.rating is None:
            raise UnsupportedError(
                "the log has no ratings to learn from\n  Name its column of ratings, or choose a model of choices (bpr)."
            )
        self.pairs = Pairs(interactions, batch_size)
        self.ratings = torch.tensor(interactions.rating, dtype=torch.float32)
        if len(self.ratings) and float(self.ratings.min()) <= 0:
            raise UnsupportedError(
                f"the lowest rating is {float(self.ratings.min()):g}, and ratings are read as shares of the highest\n"
                "  Shift them so that all are above 0."
            )

    def steps(self) -> int:
        """How many batches an epoch has."""
        return self.pairs.steps()

    def epoch(self, generator: torch.Generator) -> Iterator[Rated]:
        """`Rated` with users [B], targets [B] and ratings [B]."""
        self.ratings = self.ratings.to(generator.device)
        shares = self.ratings / self.ratings.amax() if len(self.ratings) else self.ratings
        for batch in self.pairs.epoch(generator):
            assert batch.places is not None
            yield Rated(batch, shares[batch.places])
