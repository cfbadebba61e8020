"""The r-th item that a user has not seen, by a binary search in that user's row alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def unseen(users: Array, ranks: Array, gaps: Array, offsets: Array) -> Array:
    """int64 [T, N]: for each draw the item of rank `ranks[t, n]` among those that `users[t]` has not seen.

    Args:
        users: int64 [T].
        ranks: int64 [T, N], each in 0..(I - d - 1) for a user with d seen items.
        gaps: int32, for each user's sorted seen items s_0 < s_1 < ... the values s_j - j, rows end to end.
        offsets: int64 [U + 1] where each user's row begins.
    """
    items = np.empty(ranks.shape, dtype=np.int64)
    for t in range(len(users)):
        start, end = offsets[users[t]], offsets[users[t] + 1]
        for n in range(ranks.shape[1]):
            low, high = start, end
            while low < high:
                middle = (low + high) >> 1
                if gaps[middle] <= ranks[t, n]:
                    low = middle + 1
                else:
                    high = middle
            items[t, n] = ranks[t, n] + low - start
    return items
