"""Draws from inside buckets."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def draw(start: int, stop: int, bucket: Array, uniform: Array, offsets: Array, upper: Array, items: Array, out: Array) -> None:
    """out[n] = the item of bucket[n] whose share of the bucket's mass holds uniform[n], for n from `start` to `stop - 1`.

    The first look is where the item would be if all had the same mass, so that then no search is needed.

    Args:
        start, stop: which.
        bucket: int64 [n], of positive mass.
        uniform: float64 [n] in [0, 1).
        offsets: int64 [C + 1] where each bucket begins.
        upper: float64 [I + 1] the mass of all items in front of each place.
        items: int64 [I] by bucket.
        out: int64 [n], filled.
    """
    for n in range(start, stop):
        low, high = offsets[bucket[n]], offsets[bucket[n] + 1]
        bottom, top = upper[low], upper[high]
        value = min(bottom + uniform[n] * (top - bottom), np.nextafter(top, bottom))
        middle = low + int(uniform[n] * (high - low))
        while True:  # upper[low] <= value < upper[high]
            if upper[middle] > value:
                high = middle
            elif upper[middle + 1] <= value:
                low = middle + 1
            else:
                break
            middle = (low + high) >> 1
        out[n] = items[middle]
