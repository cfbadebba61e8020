"""Negatives drawn uniformly."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from turret.core.context import Context, Encoded, PerRow, Query
from turret.core.interactions import Interactions


class Uniform:
    """Each query's negatives: uniform over all items, or over those that its user has not interacted with in training.

    Nothing is rejected and drawn again: with the d seen items of a user sorted as s_0 < s_1 < ..., the r-th unseen item is r plus the
    number of j with s_j - j <= r, which a binary search finds. So every draw costs the same and has probability 1 / (I - d) exactly.

    Args:
        n_items: I.
        negative_count: N.
        seen: interactions whose items are not drawn for their user; None excludes nothing. A user who has seen everything draws from all.
    """

    def __init__(self, n_items: int, negative_count: int, seen: Interactions | None = None) -> None:
        self.n_items, self.negative_count = n_items, negative_count
        self._unseen = None if seen is None else Unseen(seen, n_items)

    def __call__(self, context: Context, target: Tensor, query: Query, encoded: Encoded, generator: torch.Generator) -> PerRow:
        """`PerRow` with items [T, N] for the T targets and log_q [T, 1]."""
        shape, device = (len(target), self.negative_count), generator.device
        if self._unseen is None:
            items = torch.randint(self.n_items, shape, generator=generator, device=device)
            return PerRow(items, torch.full((len(target), 1), -math.log(self.n_items), device=device))
        if context.users is None:
            raise ValueError("to leave out what users have seen, the sampler needs their ids in the context")
        users = context.users if context.rows is None else context.users[context.rows]
        uniform = torch.rand(shape, generator=generator, device=device, dtype=torch.float64)
        return self._unseen.draw(users, uniform)


class Unseen:
    """Which items each user has not seen, as a list that can be indexed without being held.

    Args:
        seen: what users have seen.
        n_items: I.
    """

    def __init__(self, seen: Interactions, n_items: int) -> None:
        pairs = np.unique(seen.user.astype(np.int64) * n_items + seen.item)
        user = pairs // n_items
        counts = np.bincount(user, minlength=seen.n_users)
        keep = counts[user] < n_items
        pairs, user, counts = pairs[keep], user[keep], np.where(counts < n_items, counts, 0)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        gaps = pairs - user * n_items - (np.arange(len(pairs)) - offsets[user])
        self.n_items = n_items
        self._gaps, self._offsets = torch.from_numpy(gaps.astype(np.int32)), torch.from_numpy(offsets)
        self._keys: Tensor | None = None

    def draw(self, users: Tensor, uniform: Tensor) -> PerRow:
        """Unseen items of each of `users` [T], for `uniform` float64 [T, N] in [0, 1): items [T, N] and log_q [T, 1]."""
        if users.device.type == "cpu":
            from turret.kernels.unseen import draw_unseen

            items, log_q = torch.empty(uniform.shape, dtype=torch.int64), torch.empty(len(users), 1)
            arrays = (users.numpy(), uniform.numpy(), self._gaps.numpy(), self._offsets.numpy())
            draw_unseen(*arrays, self.n_items, items.numpy(), log_q.numpy())
            return PerRow(items, log_q)
        return self.draw_by_search(users, uniform)

    def draw_by_search(self, users: Tensor, uniform: Tensor) -> PerRow:
        """The same on any device: all rows in one sorted list, so that one search serves every user."""
        if self._keys is None or self._keys.device != users.device:
            self._offsets, self._gaps = self._offsets.to(users.device), self._gaps.to(users.device)
            self._keys = torch.repeat_interleave(self._offsets.diff()) * self.n_items + self._gaps
        start = self._offsets[users][:, None]
        count = self.n_items - (self._offsets[users + 1][:, None] - start)
        ranks = (uniform * count).long()
        place = torch.searchsorted(self._keys, users[:, None] * self.n_items + ranks, right=True)
        return PerRow(ranks + place - start, -count.float().log())
