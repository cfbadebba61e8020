"""Negatives drawn uniformly."""

from __future__ import annotations

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
        self._gaps: tuple[Tensor, Tensor, Tensor] | None = None
        if seen is not None:
            pairs = np.unique(seen.user.astype(np.int64) * n_items + seen.item)
            user, item = pairs // n_items, pairs % n_items
            counts = np.bincount(user, minlength=seen.n_users)
            full = counts == n_items
            keep = ~full[user]
            user, item, counts = user[keep], item[keep], np.where(full, 0, counts)
            offsets = np.concatenate([[0], np.cumsum(counts)])
            gaps = user * n_items + item - (np.arange(len(item)) - offsets[user])
            self._gaps = torch.from_numpy(gaps), torch.from_numpy(offsets[:-1]), torch.from_numpy(n_items - counts)

    def __call__(self, context: Context, target: Tensor, query: Query, encoded: Encoded, generator: torch.Generator) -> PerRow:
        """`PerRow` with items [T, N] for the T targets and log_q [T, 1]."""
        shape, device = (len(target), self.negative_count), generator.device
        if self._gaps is None:
            items = torch.randint(self.n_items, shape, generator=generator, device=device)
            return PerRow(items, torch.full((len(target), 1), -float(np.log(self.n_items)), device=device))
        if context.users is None:
            raise ValueError("to leave out what users have seen, the sampler needs their ids in the context")
        self._gaps = gaps, start, unseen = tuple(part.to(device) for part in self._gaps)  # type: ignore[assignment]
        users = context.users if context.rows is None else context.users[context.rows]
        available = unseen[users][:, None]
        draw = (torch.rand(shape, generator=generator, device=device, dtype=torch.float64) * available).long()
        below = torch.searchsorted(gaps, users[:, None] * self.n_items + draw, right=True) - start[users][:, None]
        return PerRow(draw + below, -available.float().log())
