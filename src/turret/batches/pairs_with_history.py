"""(user, item) pairs for models that read a user's id and history both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from turret.batches.history import Histories
from turret.batches.pairs import Pairs
from turret.core.context import Positives, Reads
from turret.core.interactions import Interactions


class PairsWithHistory:
    """Every interaction once an epoch, in random order, beside all that its user is known to have done in the training part.

    The item that is to be answered is itself in that history, and so are those after it: for models that take a history for a description
    of the user and not for what came before.

    Args:
        interactions: the training part.
        history: how many of the user's latest items are read.
        batch_size: pairs a step; the last batch of an epoch may have fewer.
    """

    def __init__(self, interactions: Interactions, history: int, batch_size: int) -> None:
        self.interactions, self.reads = interactions, Reads(user=True, history=history)
        self.pairs = Pairs(interactions, batch_size)

    def steps(self) -> int:
        """How many batches an epoch has."""
        return self.pairs.steps()

    def epoch(self, generator: torch.Generator) -> Iterator[Positives]:
        """`Positives` with users [B], histories [B, L] and targets [B]."""
        train = self.interactions
        histories = Histories(train, self.reads, train.n_users, train.n_items, generator.device)
        for batch in self.pairs.epoch(generator):
            assert batch.context.users is not None
            yield replace(batch, context=histories.context(batch.context.users))
