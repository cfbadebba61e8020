"""The inner loops of the simulator: people walking through a catalogue, and integers written as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.text import Ints, decimal

Floats = npt.NDArray[np.floating[Any]]


@njit(cache=True, nogil=True)
def _bisect(cumulative: Floats, value: float, low: int, high: int) -> int:
    """The first place in low..high-1 whose entry exceeds `value`; the last one where none does."""
    while low < high - 1:
        middle = (low + high - 1) // 2
        if cumulative[middle] > value:
            high = middle + 1
        else:
            low = middle + 1
    return low


@njit(cache=True, nogil=True)
def walk(
    rng: np.random.Generator,
    lengths: Ints,
    tastes: Ints,
    shares: Floats,
    offsets: Ints,
    items: Ints,
    cumulative: Floats,
    successors: Ints,
    successor_shares: Floats,
    transition: float,
) -> Ints:
    """Lets each user choose `lengths[u]` different items, one after another.

    The next item is drawn from the law that `simulate.truth.Truth.next` states, again and again until it is one that the user has not
    had: that is the law, restricted to what is left.

    Args:
        rng: all draws come from it, in an order that is part of the format.
        lengths: int64 [n], at most the number of items each.
        tastes: int32 [n, J] the rows of the appeal table that each user draws from.
        shares: float64 [n, J] cumulative, the last of each row 1.
        offsets, items, cumulative: the appeal table: row k holds items `items[offsets[k]:offsets[k + 1]]` with running sums of their
            probabilities.
        successors: int32 [I, S].
        successor_shares: float64 [S] cumulative.
        transition: probability of following the last item.

    Returns:
        int32 [sum of lengths], user after user.
    """
    chosen = np.empty(lengths.sum(), dtype=np.int32)
    had = np.full(len(successors), -1, dtype=np.int32)
    row = 0
    for user in range(len(lengths)):
        last = -1
        for _ in range(lengths[user]):
            while True:
                if last >= 0 and rng.random() < transition:
                    item = successors[last, _bisect(successor_shares, rng.random(), 0, len(successor_shares))]
                else:
                    taste = tastes[user, _bisect(shares[user], rng.random(), 0, shares.shape[1])]
                    item = items[_bisect(cumulative, rng.random(), offsets[taste], offsets[taste + 1])]
                if had[item] != user:
                    break
            had[item] = user
            chosen[row] = item
            last = item
            row += 1
    return chosen


@njit(cache=True, nogil=True)
def rows_as_text(table: Ints) -> npt.NDArray[np.uint8]:
    """Non-negative integers [n, c] as tab-separated decimal lines, uint8 [bytes]."""
    rows, columns = table.shape
    text = np.empty(rows * columns * 20, dtype=np.uint8)
    end = 0
    for row in range(rows):
        for column in range(columns):
            end = decimal(table[row, column], text, end)
            text[end] = 10 if column == columns - 1 else 9
            end += 1
    return text[:end]
