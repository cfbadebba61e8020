"""Loops over the items that users have seen: for each user ascending, rows end to end, row u is `seen[offsets[u]:offsets[u + 1]]`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.ahead import AHEAD, near

Array = npt.NDArray[Any]
MARKS = 1 << 12
"""Bytes in which what a user has seen is marked: they stay in the nearest cache."""
ENOUGH = 16
"""Marks are worth setting up to so many times as many as there are items to look up."""


@njit(cache=True, nogil=True)
def draw_unseen(
    start: int, stop: int, users: Array, uniform: Array, gaps: Array, offsets: Array, n_items: int, items: Array, log_q: Array
) -> None:
    """Turns uniform numbers into unseen items and the log of their probability, for rows start..stop-1.

    Args:
        start, stop: which rows.
        users: int64 [T].
        uniform: float64 [T, N] in [0, 1).
        gaps: int32, for each user's seen items s_0 < s_1 < ... the values s_j - j, and ...
        offsets: ... int64 [U + 1].
        n_items: I.
        items: int64 [T, N], filled: the item of rank floor(uniform * count) among the `count` items that the user has not seen.
        log_q: float32 [T, 1], filled: -log(count).
    """
    for t in range(start, stop):
        if t + 2 * AHEAD < stop:
            near(offsets, users[t + 2 * AHEAD] * offsets.itemsize)
            near(gaps, offsets[users[t + AHEAD]] * gaps.itemsize)
        first, end = offsets[users[t]], offsets[users[t] + 1]
        count = n_items - (end - first)
        log_q[t, 0] = -np.log(count)
        for n in range(uniform.shape[1]):
            rank = int(uniform[t, n] * count)
            low, length = first, end - first
            while length > 0:  # halves without a branch that could be mispredicted
                half = (length + 1) >> 1
                low += half if gaps[low + half - 1] <= rank else 0
                length -= half
            items[t, n] = rank + low - first


@njit(cache=True, nogil=True)
def above(values: Array, first: int, end: int, item: int) -> int:
    """The first place in first..end-1 of ascending values whose value is above `item`; `end` if there is none."""
    low, length = first, end - first
    while length > 0:
        half = (length + 1) >> 1
        low += half if values[low + half - 1] <= item else 0
        length -= half
    return low


@njit(cache=True, nogil=True)
def contained(start: int, stop: int, users: Array, items: Array, seen: Array, offsets: Array, out: Array) -> None:
    """Fills out, bool [T, N], with whether user t has seen items[t, n], int64 [T, N], for rows start..stop-1.

    Where a row has enough items for it, what the user has seen is marked by its last bits first: hardly an item of a large catalogue has
    the same, and the others need no search.
    """
    marked = np.zeros(MARKS, dtype=np.bool_)
    for t in range(start, stop):
        first, end = offsets[users[t]], offsets[users[t] + 1]
        if end - first > ENOUGH * items.shape[1]:
            for n in range(items.shape[1]):
                place = above(seen, first, end, items[t, n])
                out[t, n] = place > first and seen[place - 1] == items[t, n]
            continue
        for j in range(first, end):
            marked[seen[j] & (MARKS - 1)] = True
        for n in range(items.shape[1]):
            item = items[t, n]
            found = marked[item & (MARKS - 1)]
            if found:
                place = above(seen, first, end, item)
                found = place > first and seen[place - 1] == item
            out[t, n] = found
        for j in range(first, end):
            marked[seen[j] & (MARKS - 1)] = False


@njit(cache=True, nogil=True)
def among(start: int, stop: int, users: Array, values: Array, places: Array, seen: Array, offsets: Array, out: Array) -> None:
    """Fills out, bool [T, N], with whether user t has seen item n of a list that all share, for rows start..stop-1.

    Args:
        start, stop: which rows.
        users: int64 [T].
        values: int64 [M] the different items of the list, ascending.
        places: int64 [N] where among them each item of the list is.
        seen: int32, and ...
        offsets: ... int64 [U + 1].
        out: bool [T, N].
    """
    marked, hit = np.zeros(16 * MARKS, dtype=np.bool_), np.zeros(len(values), dtype=np.bool_)
    for value in values:
        marked[value & (16 * MARKS - 1)] = True
    for t in range(start, stop):
        hit[:] = False
        for j in range(offsets[users[t]], offsets[users[t] + 1]):
            item = seen[j]
            if marked[item & (16 * MARKS - 1)]:
                place = above(values, 0, len(values), item)
                if place > 0 and values[place - 1] == item:
                    hit[place - 1] = True
        for n in range(len(places)):
            out[t, n] = hit[places[n]]
