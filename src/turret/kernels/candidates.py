"""The best of each query's own candidates, which are rows of one table and are not copied out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.ranking import first_from

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"}, inline="always")
def _inner(left: Array, right: Array) -> Any:
    """<left, right>."""
    total = np.float32(0)
    for d in range(len(left)):
        total += left[d] * right[d]
    return total


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"}, inline="always")
def _apart(left: Array, right: Array) -> Any:
    """-|left - right|."""
    total = np.float32(0)
    for d in range(len(left)):
        total += (left[d] - right[d]) ** 2
    return -np.sqrt(total)


@njit(cache=True, nogil=True)
def best(
    start: int,
    stop: int,
    queries: Array,
    table: Array,
    candidates: Array,
    distance: bool,
    offsets: Array,
    excluded: Array,
    rows: Array,
    scores: Array,
) -> None:
    """Fills the lists of queries start..stop-1 with their best candidates, best first and, among equals, the lower row first.

    Args:
        start, stop: queries to do.
        queries: float32 [Q, D].
        table: float32 [I, D].
        candidates: int [Q, C] rows of the table, each at most once for a query; -1 where there is none.
        distance: whether a score is -|q - i|, or else <q, i>.
        offsets: int64 [Q + 1]; `excluded[offsets[q]:offsets[q + 1]]` are the rows, ascending, that query q must not name.
        excluded: int [n].
        rows: int32 [Q, K] the lists so far, all -1.
        scores: float32 [Q, K] their scores, all minus infinity.
    """
    last = rows.shape[1] - 1
    for q in range(start, stop):
        left, named, tops, barred = queries[q], rows[q], scores[q], excluded[offsets[q] : offsets[q + 1]]
        for c in range(candidates.shape[1]):
            row = candidates[q, c]
            if row < 0:
                continue
            at = first_from(barred, row)
            if at < len(barred) and barred[at] == row:
                continue
            score = np.float32(_apart(left, table[row]) if distance else _inner(left, table[row]))
            if not score > -np.inf:  # neither NaN, which numbers too large for float32 come to, nor minus infinity is a score
                continue
            place = last + 1
            while place > 0 and (named[place - 1] < 0 or tops[place - 1] < score or (tops[place - 1] == score and named[place - 1] > row)):
                if place <= last:
                    tops[place], named[place] = tops[place - 1], named[place - 1]
                place -= 1
            if place <= last:
                tops[place], named[place] = score, row
