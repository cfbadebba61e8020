"""Items that a user has not seen, drawn by a binary search in that user's row alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def draw_unseen(users: Array, uniform: Array, gaps: Array, offsets: Array, n_items: int, items: Array, log_q: Array) -> None:
    """Turns uniform numbers into unseen items and the log of their probability.

    Args:
        users: int64 [T].
        uniform: float64 [T, N] in [0, 1).
        gaps: int32, for each user's sorted seen items s_0 < s_1 < ... the values s_j - j, rows end to end.
        offsets: int64 [U + 1] where each user's row begins.
        n_items: I.
        items: int64 [T, N], filled: the item of rank floor(uniform * count) among the `count` items that the user has not seen.
        log_q: float32 [T, 1], filled: -log(count).
    """
    for t in range(len(users)):
        start, end = offsets[users[t]], offsets[users[t] + 1]
        count = n_items - (end - start)
        log_q[t, 0] = -np.log(count)
        for n in range(uniform.shape[1]):
            rank = int(uniform[t, n] * count)
            low, length = start, end - start
            while length > 0:  # halves without a branch that could be mispredicted
                half = (length + 1) >> 1
                low += half if gaps[low + half - 1] <= rank else 0
                length -= half
            items[t, n] = rank + low - start
