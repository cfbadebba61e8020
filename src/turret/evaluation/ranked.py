"""Ranking metrics of each user, from the places of the user's right items. All sums are in float64.

With n right items, of which the t-th from the top stands at place p_t, and a cutoff k:
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from turret.core.interactions import FloatArray, IntArray
from turret.evaluation.places import Places


def _sum(places: Places, k: int, terms: FloatArray) -> FloatArray:
    """float64 [U]: the sum of `terms` [h] over each user's right items within the first k places."""
    within = places.at <= k
    return np.bincount(places.user[within], weights=terms[within], minlength=len(places.asked)).astype(np.float64)


def _hits(places: Places, k: int) -> FloatArray:
    return _sum(places, k, np.ones(len(places.at)))


def recall(places: Places, k: int) -> FloatArray:
    """Hits / n."""
    return _hits(places, k) / places.asked


def precision(places: Places, k: int) -> FloatArray:
    """Hits / k, also where fewer than k items can be recommended."""
    return _hits(places, k) / k


def f1(places: Places, k: int) -> FloatArray:
    """The harmonic mean of precision and recall, 2 hits / (k + n)."""
    return 2 * _hits(places, k) / (k + places.asked)


def hit(places: Places, k: int) -> FloatArray:
    """1 where at least one right item is within the first k, else 0."""
    return (_hits(places, k) > 0).astype(np.float64)


def mrr(places: Places, k: int) -> FloatArray:
    """1 / p_1, or 0 where p_1 > k."""
    return _sum(places, k, (places.order == 1) / places.at)


def average_precision(places: Places, k: int) -> FloatArray:
    """The sum of t / p_t over the right items within the first k, divided by min(n, k)."""
    return _sum(places, k, places.order / places.at) / np.minimum(places.asked, k)


def ndcg(places: Places, k: int) -> FloatArray:
    """The sum of 1 / log2(1 + p_t) over the right items within the first k, divided by its largest value, min(n, k) right items on top."""
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    gained: FloatArray = _sum(places, k, 1 / np.log2(1 + places.at)) / ideal[np.minimum(places.asked, k) - 1]
    return gained


def auc(places: Places, candidates: IntArray) -> FloatArray:
    """The share of (right, wrong) pairs of items that stand in the right order; NaN where a user has no wrong item.

    Args:
        places: counted out, not of lists; those of `median` ties count a tie for half.
        candidates: int64 [U] how many items were ranked, right and wrong.
    """
    placed = np.bincount(places.user, minlength=len(places.asked))
    wrong = candidates - placed
    below = wrong[places.user] - (places.at - places.order)
    pairs = places.asked * wrong
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.bincount(places.user, weights=below, minlength=len(places.asked)) / pairs
    return np.where(pairs > 0, shares, np.nan)


RANKED: dict[str, Callable[[Places, int], FloatArray]] = {
    "recall": recall,
    "precision": precision,
    "f1": f1,
    "hit": hit,
    "mrr": mrr,
    "map": average_precision,
    "ndcg": ndcg,
}
