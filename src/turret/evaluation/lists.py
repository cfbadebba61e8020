"""What the recommended lists are like, whether or not they are right: metrics beyond accuracy.

Everything known of the items (how often, by whom) is that of the training part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from turret.core.interactions import FloatArray, IntArray, Interactions

BLOCK = 256
"""Lists whose diversity is computed at a time."""


class ListMetrics:
    """Metrics of lists over a catalogue.

    Args:
        train: the training part; its items are the catalogue.
    """

    def __init__(self, train: Interactions) -> None:
        self.train, self.n_items = train, train.n_items
        pairs = np.unique(train.user.astype(np.int64) * train.n_items + train.item)
        self._users, self._items = np.divmod(pairs, train.n_items)
        self._takers = np.bincount(self._items, minlength=train.n_items)

    def value(self, name: str, lists: IntArray) -> float | FloatArray:
        """A metric of `lists` int [U, k] (-1 where a list is shorter): one number for all lists together, or float64 [U], NaN where a
        list is too short to have it."""
        together = {"coverage": self.coverage, "gini": self.gini}
        of_each = {"novelty": self.novelty, "popularity": self.popularity, "diversity": self.diversity}
        return together[name](lists) if name in together else of_each[name](lists)

    def coverage(self, lists: IntArray) -> float:
        """The share of the catalogue that is in at least one list."""
        return float((self._recommended(lists) > 0).mean())

    def gini(self, lists: IntArray) -> float:
        """The Gini index of how often each item is recommended: 0 where all are equally often, near 1 where few have everything."""
        often = np.sort(self._recommended(lists))
        n, total = len(often), often.sum()
        return float((2 * np.arange(1, n + 1) - n - 1) @ often / (n * total)) if total else float("nan")

    def novelty(self, lists: IntArray) -> FloatArray:
        """The mean self-information of a list's items in bits, -log2 of the share of training's users who took the item."""
        with np.errstate(divide="ignore"):
            bits = np.log2(self.train.n_users) - np.log2(self._takers)
        return _mean(np.where(np.isfinite(bits), bits, np.log2(self.train.n_users)), lists)

    def popularity(self, lists: IntArray) -> FloatArray:
        """The mean number of training's users who took a list's items."""
        return _mean(self._takers.astype(np.float64), lists)

    def diversity(self, lists: IntArray) -> FloatArray:
        """1 minus the mean similarity of a list's pairs of items, the cosine between the sets of users who took them.

        With unit vectors v_i, the similarities of all pairs add up to (|sum v_i|^2 - sum |v_i|^2) / 2, so no pair is ever formed.
        """
        from scipy.sparse import csr_matrix

        weight = 1 / np.sqrt(self._takers[self._items])
        vectors = csr_matrix((weight, (self._items, self._users)), shape=(self.n_items, self.train.n_users))
        norms = (self._takers > 0).astype(np.float64)
        total, own = np.empty(len(lists)), np.empty(len(lists))
        for start in range(0, len(lists), BLOCK):
            block = lists[start : start + BLOCK]
            rows, columns = np.nonzero(block >= 0)
            chosen = csr_matrix((np.ones(len(rows)), (rows, block[rows, columns])), shape=(len(block), self.n_items))
            total[start : start + BLOCK] = np.asarray((chosen @ vectors).power(2).sum(axis=1)).ravel()
            own[start : start + BLOCK] = chosen @ norms
        length = (lists >= 0).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(length > 1, 1 - (total - own) / (length * (length - 1)), np.nan)

    def _recommended(self, lists: IntArray) -> npt.NDArray[Any]:
        return np.bincount(lists[lists >= 0], minlength=self.n_items)


def _mean(values: FloatArray, lists: IntArray) -> FloatArray:
    present = lists >= 0
    length = present.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(length > 0, np.where(present, values[lists], 0.0).sum(axis=1) / length, np.nan)
