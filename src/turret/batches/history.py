"""THE history builder: training, evaluation and serving all learn from here what a user did before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from turret.core.context import UNKNOWN, Context, History, Reads
from turret.core.interactions import Interactions


class Histories:
    """What each user is known to have done, ready to be asked for in batches.

    Args:
        interactions: everything that may be known, sorted by user and time. Items that training never saw (ids from `n_items` on) are
            left out: no model has anything to say about them.
        reads: what the model reads; nothing else is built.
        n_users: users that training saw; the others are `UNKNOWN` to a model that reads user ids.
        n_items: items that training saw.
        device: where the contexts are built.
    """

    def __init__(self, interactions: Interactions, reads: Reads, n_users: int, n_items: int, device: torch.device | str = "cpu") -> None:
        self.reads, self.n_users, self.n_items, self.device = reads, n_users, n_items, torch.device(device)
        if reads.history:
            known = interactions.item < n_items
            counts = np.bincount(interactions.user[known], minlength=interactions.n_users)
            offsets = np.concatenate([[0], np.cumsum(counts)])
            self._offsets = torch.tensor(offsets, dtype=torch.int64, device=self.device)
            # one more value at the end, for padding to point at even where nobody has a history
            self._items = torch.tensor(np.append(interactions.item[known], 0), device=self.device)
            weight = interactions.weight
            self._weights = None if weight is None else torch.tensor(np.append(weight[known], 0), dtype=torch.float32, device=self.device)

    def context(self, users: Tensor | Sequence[int]) -> Context:
        """The context of each of `users` [B], any ids of the dataset. Histories keep the latest `reads.history` items."""
        users = torch.as_tensor(users, dtype=torch.int64, device=self.device)
        ids = torch.where(users < self.n_users, users, UNKNOWN) if self.reads.user else None
        if not self.reads.history:
            return Context(users=users if ids is None else ids)
        return Context(users=ids, history=self._history(users))

    def _history(self, users: Tensor) -> History:
        end = self._offsets[users + 1]
        lengths = (end - self._offsets[users]).clamp(max=self.reads.history)
        steps = torch.arange(max(int(lengths.max()) if len(users) else 0, 1), device=self.device)
        mask = steps < lengths[:, None]
        places = ((end - lengths)[:, None] + steps).masked_fill(~mask, len(self._items) - 1)
        items = self._items[places].long()
        return History(items, mask, None if self._weights is None else self._weights[places])


def contexts_of(histories: Sequence[Sequence[int]], reads: Reads, device: torch.device | str = "cpu") -> Context:
    """The context of people known by their item ids alone, each oldest first: what serving builds for those training never saw."""
    kept = [list(items)[-min(reads.history, len(items)) :] if reads.history and items else [] for items in histories]
    width = max([1, *(len(items) for items in kept)])
    items = torch.tensor([[*row, *([0] * (width - len(row)))] for row in kept], dtype=torch.int64, device=device)
    lengths = torch.tensor([len(row) for row in kept], device=device)
    mask = torch.arange(width, device=device) < lengths[:, None]
    users = torch.full((len(kept),), UNKNOWN, dtype=torch.int64, device=device)
    return Context(users=users, history=History(items, mask) if reads.history else None)
