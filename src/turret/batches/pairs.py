"""(user, item) pairs: one positive a row, for models that know users by their id."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from turret.core.context import Context, Positives
from turret.core.interactions import Interactions


class Pairs:
    """Every interaction once an epoch, in random order.

    Args:
        interactions: the training part.
        batch_size: pairs a step; the last batch of an epoch may have fewer.
    """

    def __init__(self, interactions: Interactions, batch_size: int) -> None:
        self.batch_size = batch_size
        self.users = torch.tensor(interactions.user)
        self.items = torch.tensor(interactions.item)

    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.users) // self.batch_size)

    def epoch(self, generator: torch.Generator) -> Iterator[Positives]:
        """`Positives` with users [B] and targets [B]."""
        device = generator.device
        self.users, self.items = self.users.to(device), self.items.to(device)
        order = torch.randperm(len(self.users), generator=generator, device=device)
        users, items = self.users[order].long(), self.items[order].long()
        for start in range(0, len(order), self.batch_size):
            rows = slice(start, start + self.batch_size)
            yield Positives(Context(users=users[rows]), items[rows], places=order[rows])
