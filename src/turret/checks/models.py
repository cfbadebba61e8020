"""Simple recommenders that exist to be compared with: of one's own history, of what follows the last item, of popularity at a moment."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from turret.core.context import ALL, NOTHING, Context, Reads
from turret.core.interactions import FloatArray, IntArray
from turret.graphs.matrix import history_matrix


class OwnHistory:
    """Offers what the user had before: the more often, the higher; after that what is popular.

    Args:
        counts: int64 [I] how often training has each item.
    """

    reads = Reads(history=ALL)

    def __init__(self, counts: IntArray) -> None:
        self.popularity = (counts / (1.0 + counts.max(initial=0))).astype(np.float32)

    def score_all(self, context: Context) -> Tensor:
        """How often the user had an item, plus a popularity below 1: float32 [B, I]."""
        assert context.history is not None
        times = torch.ones_like(context.history.items, dtype=torch.float32) * context.history.mask
        scores = torch.from_numpy(self.popularity).repeat(len(context), 1)
        return scores.scatter_add_(1, context.history.items, times)


class Markov:
    """Offers what followed the user's last item in training: the more often, the higher; after that what followed any item most often.

    Args:
        first, second: int [n] items, and what came right after each.
        n_items: I.
    """

    reads = Reads(history=1)

    def __init__(self, first: IntArray, second: IntArray, n_items: int) -> None:
        often = np.bincount(second, minlength=n_items)
        self.popularity = (often / (1.0 + often.max(initial=0))).astype(np.float32)
        self.followers = csr_array((np.ones(len(first), dtype=np.float32), (first, second)), shape=(n_items, n_items))

    def score_all(self, context: Context) -> Tensor:
        """How often each item followed the last one, plus a popularity below 1: float32 [B, I]."""
        assert context.history is not None
        last = history_matrix(context.history, self.followers.shape[0])
        return torch.from_numpy((last @ self.followers).toarray() + self.popularity)


class PopularityBefore:
    """Offers what was popular before a moment of each user's own.

    Args:
        item: int [n] the items of training's rows, by time.
        time: float64 [n], ascending.
        moment: float64 [U] of each user; only rows before it count.
        n_items: I.
    """

    reads = NOTHING

    def __init__(self, item: IntArray, time: FloatArray, moment: FloatArray, n_items: int) -> None:
        self.item, self.n_items = item, n_items
        self.rows = np.searchsorted(time, moment, side="left")

    def score_all(self, context: Context) -> Tensor:
        """The rows of each item before the user's moment: float32 [B, I]."""
        assert context.users is not None
        rows = self.rows[context.users.numpy()]
        scores = np.empty((len(rows), self.n_items), dtype=np.float32)
        counts, done = np.zeros(self.n_items, dtype=np.float32), 0
        for place in np.argsort(rows):
            # One count, carried on from user to user in the order of their moments.
            counts += np.bincount(self.item[done : rows[place]], minlength=self.n_items)
            scores[place], done = counts, rows[place]
        return torch.from_numpy(scores)
