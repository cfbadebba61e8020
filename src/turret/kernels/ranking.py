"""The best items of each row of scores, and the place of given items in it, in one pass over the row and without writing to it.

A score that is NaN or minus infinity is no score: such an item is never recommended, and competes with nobody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]
GROUP = 64


@njit(cache=True, nogil=True)
def first_from(ascending: Array, value: int) -> int:
    """The position of the first of the sorted values that is at least `value`."""
    low, high = 0, len(ascending)
    while low < high:
        middle = (low + high) >> 1
        if ascending[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def best(start: int, stop: int, base: int, scores: Array, offsets: Array, excluded: Array, items: Array, values: Array) -> None:
    """Enters a block of items into the lists of the K best of rows start..stop-1, best first and, among equals, the lower id first.

    Most groups of neighbouring scores hold none above the K-th best so far, and a comparison without branches, which the compiler turns
    into vector instructions, tells so; only the others are looked into. Items come in ascending order, blocks too, and must beat the
    K-th best to enter, hence the order among equals.

    Args:
        start, stop: rows to do.
        base: the item of the block's first column.
        scores: float32 [B, W] of items base..base+W-1.
        offsets: int64 [B + 1]; `excluded[offsets[b]:offsets[b + 1]]` are the items, ascending, that row b must not name.
        excluded: int [n].
        items: int32 [B, K] the lists so far; -1 where a list is shorter.
        values: float32 [B, K] their scores, minus infinity there.
    """
    last = items.shape[1] - 1
    found = np.empty(GROUP, dtype=np.int64)
    for b in range(start, stop):
        row, ids, tops, barred = scores[b], items[b], values[b], excluded[offsets[b] : offsets[b + 1]]
        bound, next_barred = tops[last], first_from(barred, base)
        for first in range(0, len(row), GROUP):
            group = row[first : first + GROUP]
            above = 0
            for j in range(len(group)):
                above += group[j] > bound
            if above == 0:
                continue
            above = 0
            for j in range(len(group)):
                found[above] = j
                above += group[j] > bound
            for j in found[:above]:
                score, item = group[j], base + first + j
                if score <= bound:
                    continue
                while next_barred < len(barred) and barred[next_barred] < item:
                    next_barred += 1
                if next_barred < len(barred) and barred[next_barred] == item:
                    continue
                place = last
                while place > 0 and tops[place - 1] < score:
                    tops[place], ids[place] = tops[place - 1], ids[place - 1]
                    place -= 1
                tops[place], ids[place] = score, item
                bound = tops[last]


@njit(cache=True, nogil=True)
def compare(
    start: int,
    stop: int,
    scores: Array,
    offsets: Array,
    excluded: Array,
    asked_offsets: Array,
    asked: Array,
    above: Array,
    level: Array,
    candidates: Array,
) -> None:
    """How many items of rows start..stop-1 score higher than each item asked about, and how many the same.

    Args:
        start, stop: rows to do.
        scores: float32 [B, I].
        offsets, excluded: as for `best`.
        asked_offsets: int64 [B + 1]; `asked[asked_offsets[b]:asked_offsets[b + 1]]` are the items asked about in row b.
        asked: int [m], none of them excluded.
        above: int64 [m] filled with the number of higher scores.
        level: int64 [m] filled with the number of equal scores, the item's own included; 0 where it has no score.
        candidates: int64 [B] filled with the number of items that have a score and are not excluded.
    """
    for b in range(start, stop):
        row, barred = scores[b], excluded[offsets[b] : offsets[b + 1]]
        scored = 0
        for j in range(len(row)):
            scored += row[j] > -np.inf
        for j in barred:
            scored -= row[j] > -np.inf
        candidates[b] = scored
        for t in range(asked_offsets[b], asked_offsets[b + 1]):
            score = row[asked[t]]
            above[t] = level[t] = 0
            if not score > -np.inf:
                continue
            higher, equal = 0, 0
            for j in range(len(row)):
                higher += row[j] > score
                equal += row[j] == score
            for j in barred:
                higher -= row[j] > score
                equal -= row[j] == score
            above[t], level[t] = higher, equal
