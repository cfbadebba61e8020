"""What users have taken already, and so is no negative for them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from turret.core.contracts import Targets
from turret.core.interactions import Interactions

AT_ONCE = 8192
"""Searches that are worth waking a thread for."""


class Seen:
    """The items that each user has taken, ascending and each once.

    A user who has taken everything counts as one who has taken nothing: nothing would be left to draw.

    Args:
        interactions: who took what.

    Attributes:
        n_items: I.
        exhausted: whether there is a user who has taken everything.
    """

    def __init__(self, interactions: Interactions) -> None:
        self.n_items = interactions.n_items
        pairs = np.sort(interactions.user.astype(np.int64) * self.n_items + interactions.item)
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        user = pairs // self.n_items
        counts = np.bincount(user, minlength=interactions.n_users)
        partial = counts < self.n_items
        self.exhausted = not bool(partial.all())
        pairs = pairs[partial[user]] if self.exhausted else pairs
        offsets = np.concatenate([[0], np.cumsum(counts * partial)])
        self.offsets, self.items = torch.from_numpy(offsets), torch.from_numpy((pairs % self.n_items).astype(np.int32))
        self._keys: Tensor | None = None
        self._gaps: Tensor | None = None
        self._gap_keys: Tensor | None = None

    def contains(self, users: Tensor, items: Tensor) -> Tensor:
        """bool [T, N]: whether each of `users` [T] has taken each of `items` [T, N] of its row."""
        if users.device.type != "cpu":
            return self.contains_by_search(users, items)
        from turret.kernels.parallel import over_rows
        from turret.kernels.seen import contained

        out = torch.empty(items.shape, dtype=torch.bool)
        arrays = (users.numpy(), items.contiguous().numpy(), self.items.numpy(), self.offsets.numpy(), out.numpy())
        over_rows(lambda start, stop: contained(start, stop, *arrays), len(users), AT_ONCE // max(items.shape[1], 1) + 1)
        return out

    def contains_by_search(self, users: Tensor, items: Tensor) -> Tensor:
        """The same on any device: all rows in one sorted list, so that one search serves every user."""
        self._move(users.device)
        if self._keys is None:
            self._keys = self._owners() * self.n_items + self.items
        if not len(self._keys):
            return torch.zeros_like(items, dtype=torch.bool)
        keys = users[:, None] * self.n_items + items
        return self._keys[torch.searchsorted(self._keys, keys).clamp(max=len(self._keys) - 1)] == keys

    def among(self, users: Tensor, items: Tensor) -> Tensor:
        """bool [T, N]: whether each of `users` [T] has taken each of `items` [N], which all rows share."""
        if users.device.type != "cpu":
            return self.among_by_search(users, items)
        from turret.kernels.parallel import over_rows
        from turret.kernels.seen import among

        values, places = torch.unique(items, return_inverse=True)
        out = torch.empty(len(users), len(items), dtype=torch.bool)
        arrays = (users.numpy(), values.numpy(), places.numpy(), self.items.numpy(), self.offsets.numpy(), out.numpy())
        over_rows(lambda start, stop: among(start, stop, *arrays), len(users), AT_ONCE // max(len(items), 1) + 1)
        return out

    def among_by_search(self, users: Tensor, items: Tensor) -> Tensor:
        """The same on any device: what each has taken is looked up in the list, not the list in what each has taken, which is shorter."""
        values, places = torch.unique(items, return_inverse=True)
        taken, mask = self.padded(users)
        at = torch.searchsorted(values, taken)
        mask = mask & (values[at.clamp(max=len(values) - 1)] == taken)
        hit = torch.zeros(len(users), len(values) + 1, dtype=torch.bool, device=users.device)
        hit.scatter_(1, at.masked_fill(~mask, len(values)), True)  # what is not in the list goes beside it
        return hit[:, places]

    def counts(self, users: Tensor) -> Tensor:
        """int64 [T] how many different items each of `users` [T] has taken."""
        self._move(users.device)
        return self.offsets[users + 1] - self.offsets[users]

    def padded(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """int64 [T, L] what each of `users` [T] has taken, filled up on the right with 0, and bool [T, L], False there."""
        self._move(users.device)
        start = self.offsets[users]
        lengths = self.offsets[users + 1] - start
        steps = torch.arange(int(lengths.max()) if len(users) else 0, device=users.device)
        mask = steps < lengths[:, None]
        places = (start[:, None] + steps).masked_fill(~mask, 0)
        return self.items[places].long().masked_fill(~mask, 0), mask

    def draw(self, users: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Items that each of `users` [T] has not taken, all with the same probability, by ranks among them.

        Nothing is rejected and drawn again: with the d items that a user has taken being s_0 < s_1 < ..., the r-th of the others is r
        plus the number of j with s_j - j <= r, which a binary search finds. So every draw costs the same and has probability 1 / (I - d)
        exactly.

        Args:
            users: int64 [T].
            uniform: float64 [T, N] in [0, 1).

        Returns:
            int64 [T, N], and float32 [T, 1] the log of the probability.
        """
        if users.device.type != "cpu":
            return self.draw_by_search(users, uniform)
        from turret.kernels.parallel import over_rows
        from turret.kernels.seen import draw_unseen

        items, log_q = torch.empty(uniform.shape, dtype=torch.int64), torch.empty(len(users), 1)
        if self._gaps is None:
            self._gaps = self._items_without_ranks()
        given = (users.numpy(), uniform.numpy(), self._gaps.numpy(), self.offsets.numpy(), self.n_items)
        filled = (items.numpy(), log_q.numpy())
        over_rows(lambda start, stop: draw_unseen(start, stop, *given, *filled), len(users), AT_ONCE // max(uniform.shape[1], 1) + 1)
        return items, log_q

    def draw_by_search(self, users: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """The same on any device."""
        self._move(users.device)
        if self._gap_keys is None:
            self._gap_keys = self._owners() * self.n_items + self._items_without_ranks()
        start = self.offsets[users][:, None]
        count = self.n_items - (self.offsets[users + 1][:, None] - start)
        ranks = (uniform * count).long()
        place = torch.searchsorted(self._gap_keys, users[:, None] * self.n_items + ranks, right=True)
        return ranks + place - start, -count.float().log()

    def _items_without_ranks(self) -> Tensor:
        """int32 [n] s_j - j for each user's items s_0 < s_1 < ..."""
        ranks = torch.arange(len(self.items), device=self.items.device) - self.offsets[self._owners()]
        return (self.items - ranks).int()

    def _owners(self) -> Tensor:
        """int64 [n] the user whom each of the n items belongs to."""
        return torch.repeat_interleave(self.offsets.diff())

    def _move(self, device: torch.device) -> None:
        """To where the users of the batch are."""
        if self.items.device != device:
            self.offsets, self.items = self.offsets.to(device), self.items.to(device)
            self._keys = self._gaps = self._gap_keys = None


def users_of(targets: Targets) -> Tensor:
    """int64 [T] who chose the right items.

    Raises:
        ValueError: that is not known.
    """
    if targets.users is None:
        raise ValueError("to leave out what users have taken, the sampler needs to know the users")
    return targets.users
