"""Columns of many rows, gone through block by block, so that nothing that is made on the way has the size of a column of 64-bit numbers.

NumPy makes 64-bit copies of whatever it counts or takes by: of a block, these fit into the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from turret.core.interactions import IntArray

Array = npt.NDArray[Any]
BLOCK = 1 << 16
"""Rows."""


def blocks(n: int, size: int = BLOCK) -> Iterator[slice]:
    """n rows in blocks of `size`."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def blocks_of_groups(counts: IntArray, size: int = BLOCK) -> Iterator[slice]:
    """The rows of groups that lie end to end, `counts` [groups] each, in blocks of about `size` rows that divide no group."""
    ends = np.cumsum(counts)
    start, n = 0, int(ends[-1]) if len(ends) else 0
    while start < n:
        stop = int(ends[np.searchsorted(ends, min(start + size, n))])
        yield slice(start, stop)
        start = stop


def places(n: int) -> type[np.signedinteger[Any]]:
    """The narrowest type that numbers n rows."""
    return np.int32 if n <= 2**31 else np.int64


def positions(mask: npt.NDArray[np.bool_]) -> IntArray:
    """int [m] the rows at which a mask [n] holds, in the narrowest type."""
    found = np.empty(np.count_nonzero(mask), dtype=places(len(mask)))
    filled = 0
    for block in blocks(len(mask)):
        inside = np.flatnonzero(mask[block])
        found[filled : filled + len(inside)] = inside + block.start
        filled += len(inside)
    return found


def taken(values: Array, rows: IntArray | npt.NDArray[np.bool_]) -> Array:
    """Some of the values, by position or by mask."""
    if rows.dtype == np.bool_:
        return values[rows]
    found = np.empty(len(rows), dtype=values.dtype)
    for block in blocks(len(rows)):
        found[block] = values[rows[block]]
    return found


def counted(ids: IntArray, n: int) -> IntArray:
    """int64 [n] how often each of 0..n-1 occurs; ids of -1 are not counted."""
    counts = np.zeros(n + 1, dtype=np.int64)
    for block in blocks(len(ids), max(BLOCK, n)):
        counts += np.bincount(ids[block] + 1, minlength=n + 1)
    return counts[1:]


def first_where(test: Callable[[Array], npt.NDArray[np.bool_]], values: Array) -> int | None:
    """The first row at which a test of the values holds."""
    for block in blocks(len(values)):
        found = test(values[block])
        if found.any():
            return int(block.start + np.argmax(found))
    return None
