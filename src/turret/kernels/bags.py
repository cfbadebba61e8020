"""Sparse rows from lists that are filled up, and the same by column.

Letters: B lists, L the longest, E entries, I columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def distinct(lists: Array, mask: Array, columns: int) -> tuple[Array, Array]:
    """What is in each list, each once and in the order of the list.

    Args:
        lists: int64 [B, L].
        mask: bool [B, L], False where nothing is.
        columns: I.

    Returns:
        int32 offsets [B + 1] and int32 [E].

    Raises:
        IndexError: something is not from 0 to I - 1.
    """
    latest = np.full(columns, -1, dtype=np.int32)
    offsets, found = np.zeros(len(lists) + 1, dtype=np.int32), np.empty(lists.size, dtype=np.int32)
    count = 0
    for b in range(len(lists)):
        for step in range(lists.shape[1]):
            if mask[b, step]:
                column = lists[b, step]
                if not 0 <= column < columns:
                    raise IndexError("an id is out of range")
                if latest[column] != b:
                    latest[column] = b
                    found[count] = column
                    count += 1
        offsets[b + 1] = count
    return offsets, found[:count].copy()


@njit(cache=True, nogil=True)
def transposed(offsets: Array, entries: Array, values: Array, columns: int) -> tuple[Array, Array, Array]:
    """Rows by column, rows ascending: int32 offsets [I + 1], int32 rows [E], and the values [E] in this order.

    Args:
        offsets: int32 [B + 1].
        entries: int32 [E] the columns of each row.
        values: float [E].
        columns: I.
    """
    begins = np.zeros(columns + 1, dtype=np.int32)
    for e in range(len(entries)):
        begins[entries[e] + 1] += 1
    for column in range(columns):
        begins[column + 1] += begins[column]
    place = begins[:-1].copy()
    rows, moved = np.empty(len(entries), dtype=np.int32), np.empty_like(values)
    for b in range(len(offsets) - 1):
        for e in range(offsets[b], offsets[b + 1]):
            at = place[entries[e]]
            rows[at], moved[at] = b, values[e]
            place[entries[e]] += 1
    return begins, rows, moved
