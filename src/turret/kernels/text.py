"""Loops over texts that lie end to end: text r is `data[offsets[r]:offsets[r + 1]]`, uint8."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.integer[Any]]


@njit(cache=True, nogil=True)
def decimal(value: int, text: Ints, end: int) -> int:
    """Writes a whole number into `text` at `end`; returns where it ends."""
    if value < 0:
        text[end] = 45
        end += 1
        value = -value
    width = 1
    rest = value // 10
    while rest:
        width += 1
        rest //= 10
    for place in range(end + width - 1, end - 1, -1):
        text[place] = 48 + value % 10
        value //= 10
    return end + width


@njit(cache=True, nogil=True)
def hashed(data: Ints, offsets: Ints, size: int, ids: Ints) -> None:
    """Writes the 64-bit FNV-1a hash of each text, as 1 to `size`, into `ids` int32 [n]."""
    for token in range(len(ids)):
        value = np.uint64(14695981039346656037)
        for place in range(offsets[token], offsets[token + 1]):
            value = (value ^ np.uint64(data[place])) * np.uint64(1099511628211)
        ids[token] = np.int32(value % np.uint64(size)) + 1


@njit(cache=True, nogil=True)
def merged(data: Ints, offsets: Ints, order: Ints, wanted: Ints, wanted_offsets: Ints, wanted_order: Ints, found: Ints) -> None:
    """Walks through two tables of texts in the order of these, and writes into `found` where those that are wanted are in the first.

    Args:
        data, offsets: the first table.
        order: int its texts in order, shorter ones first, then by bytes.
        wanted, wanted_offsets, wanted_order: the second, likewise.
        found: int64, one for each wanted text; it stays what it is where the first table lacks that.
    """
    place = 0
    for index in wanted_order:
        begin, length = wanted_offsets[index], wanted_offsets[index + 1] - wanted_offsets[index]
        while place < len(order):
            here = offsets[order[place]]
            turn = offsets[order[place] + 1] - here - length
            byte = 0
            while turn == 0 and byte < length:
                turn = np.int64(data[here + byte]) - np.int64(wanted[begin + byte])
                byte += 1
            if turn >= 0:
                if turn == 0:
                    found[index] = order[place]
                break
            place += 1
