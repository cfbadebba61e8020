"""Whole users: everything that a user did is the input, and all of it is to be answered."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from turret.batches.history import Histories
from turret.core.context import ALL, Context, Positives, Reads
from turret.core.interactions import Interactions


class Users:
    """Every user once an epoch, in random order, for models that reconstruct a history (autoencoders).

    What a user did several times is in the history once, where it first occurred, and is one target. Users who did nothing are left out.

    Args:
        interactions: the training part.
        batch_size: users a step; the last batch of an epoch may have fewer.
    """

    def __init__(self, interactions: Interactions, batch_size: int) -> None:
        pairs = interactions.user.astype(np.int64) * interactions.n_items + interactions.item
        first = np.sort(np.unique(pairs, return_index=True)[1])
        self.once = Interactions(interactions.user[first], interactions.item[first], interactions.n_users, interactions.n_items)
        self.users = torch.from_numpy(np.flatnonzero(self.once.by_user.lengths))
        self.first, self.offsets = torch.from_numpy(first), torch.from_numpy(self.once.by_user.offsets)
        self.items = torch.tensor(self.once.item)
        self.batch_size = batch_size

    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.users) // self.batch_size)

    def epoch(self, generator: torch.Generator) -> Iterator[Positives]:
        """`Positives` with users [B], histories [B, L] and, for query b, each item of history b as a target."""
        device = generator.device
        self.first, self.offsets, self.items = self.first.to(device), self.offsets.to(device), self.items.to(device)
        histories = Histories(self.once, Reads(history=ALL), self.once.n_users, self.once.n_items, device)
        order = torch.randperm(len(self.users), generator=generator, device=device)
        for users in torch.split(self.users.to(device)[order], self.batch_size):
            history = histories.context(users).history
            assert history is not None
            start, lengths = self.offsets[users], self.offsets[users + 1] - self.offsets[users]
            rows = torch.arange(len(users), device=device).repeat_interleave(lengths)
            steps = torch.arange(len(rows), device=device) - (lengths.cumsum(0) - lengths)[rows]
            once = start[rows] + steps
            yield Positives(Context(users, history), target=self.items[once].long(), rows=rows, places=self.first[once])
