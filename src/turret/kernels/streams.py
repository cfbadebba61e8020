"""The schedule of session-parallel mini-batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def schedule(starts: Array, lengths: Array, width: int, least: int) -> tuple[Array, Array, Array, Array]:
    """Which event each slot reads in each mini-batch.

    Every slot holds a session and advances by one event a mini-batch. A slot that has read all but the last event of its session takes the
    next session; if none is left it goes, and those after it move up.

    Args:
        starts: int64 [S] where each session's events begin, in the order in which sessions are taken.
        lengths: int64 [S] how many events each has.
        width: slots.
        least: the schedule ends when fewer slots than this are left.

    Returns:
        offsets: int64 [M + 1]; mini-batch m is entries `offsets[m]` to `offsets[m + 1] - 1`, one a slot.
        place: int64 [E] the event that is read; the one after it is to be predicted.
        fresh: bool [E] whether it is the first of its session.
        kept: int64 [E] the slot of the mini-batch before that this slot was.
    """
    pairs = 0
    for length in lengths:
        pairs += max(length - 1, 0)
    place, fresh, kept = np.empty(pairs, dtype=np.int64), np.empty(pairs, dtype=np.bool_), np.empty(pairs, dtype=np.int64)
    offsets = np.zeros(pairs + 1, dtype=np.int64)
    at, end = np.zeros(width, dtype=np.int64), np.zeros(width, dtype=np.int64)
    before, new = np.zeros(width, dtype=np.int64), np.zeros(width, dtype=np.bool_)
    taken, slots, count, entries = 0, width, 0, 0
    for slot in range(width):
        before[slot] = slot
    while True:
        finished = True
        while finished:  # in rounds: every finished slot takes one session before any takes a second, which a session of one event leads to
            finished, left = False, 0
            for slot in range(slots):
                if at[slot] >= end[slot] and taken < len(starts):
                    at[slot], end[slot], new[slot] = starts[taken], starts[taken] + lengths[taken] - 1, True
                    taken += 1
                elif at[slot] >= end[slot]:
                    continue
                at[left], end[left], new[left], before[left] = at[slot], end[slot], new[slot], before[slot]
                finished |= at[left] >= end[left]
                left += 1
            slots = left
        if slots < max(least, 1):
            break
        for slot in range(slots):
            place[entries], fresh[entries], kept[entries] = at[slot], new[slot], before[slot]
            at[slot] += 1
            new[slot], before[slot] = False, slot
            entries += 1
        count += 1
        offsets[count] = entries
    return offsets[: count + 1].copy(), place[:entries].copy(), fresh[:entries].copy(), kept[:entries].copy()
