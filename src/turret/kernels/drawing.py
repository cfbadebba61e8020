"""Draws from a cumulative distribution, and the different items of a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.apart import apart

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def guide(upper: Array, cells: int) -> Array:
    """int32 [cells + 1]: the first item whose bound is above c / cells, for c = 0..cells. `upper` ascends and ends with 1."""
    first = np.empty(cells + 1, dtype=np.int32)
    item = 0
    for cell in range(cells + 1):
        while item < len(upper) - 1 and upper[item] <= cell / cells:
            item += 1
        first[cell] = item
    return first


@njit(cache=True, nogil=True)
def search(upper: Array, first: Array, uniform: Array, items: Array) -> None:
    """items[n] = the first item whose bound is above uniform[n]: what a search to the right of a sorted list gives.

    Args:
        upper: float [I], ascending, the last exactly 1.
        first: what `guide` gives for a power of two of cells, so that no product below rounds.
        uniform: float [N] in [0, 1), of the type of `upper`.
        items: int64 [N], filled.
    """
    cells = len(first) - 1
    for n in range(len(uniform)):
        u = uniform[n]
        item = first[int(u * cells)]
        while upper[item] <= u:
            item += 1
        items[n] = item


@njit(cache=True, nogil=True, forceinline=False)
def distinct(
    target: Array,
    sample: Array,
    target_weight: Array,
    sample_weight: Array,
    boundary: int,
    slot: Array,
    items: Array,
    right: Array,
    times: Array,
    weight: Array,
    own: Array,
) -> int:
    """The different items among targets and sample, and how much each counts.

    Args:
        target: int64 [b].
        sample: int64 [N].
        target_weight, sample_weight: float32 [I] what an occurrence of an item counts as a target, and as a drawn one.
        boundary: the first `boundary - b` drawn ones count as targets do.
        slot: int32 [I] scratch, -1 everywhere between calls.
        items: int64 [b + N], filled with the different items in order of appearance.
        right: int64 [b], filled with the place of each target among them.
        times: float32 [b + N], filled with the number of occurrences.
        weight: float32 [b + N], filled with the sum of what they count.
        own: float32 [b], filled with what each target's own occurrence counts.

    Returns:
        How many different items there are.
    """
    apart()
    count = 0
    for n in range(len(target) + len(sample)):
        item = target[n] if n < len(target) else sample[n - len(target)]
        counts = target_weight[item] if n < boundary else sample_weight[item]
        place = slot[item]
        if place < 0:
            slot[item] = count
            items[count], times[count], weight[count] = item, 1, counts
            place = count
            count += 1
        else:
            times[place] += 1
            weight[place] += counts
        if n < len(target):
            right[n], own[n] = place, counts
    for c in range(count):
        slot[items[c]] = -1
    return count
