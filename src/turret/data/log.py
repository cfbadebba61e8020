"""The log while it is worked on: ids and numbers in columns, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from turret.core.interactions import FloatArray, IntArray

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Log:
    """Rows of a log, sorted by user and, within a user, by time; where times are equal or absent, by their place in the log.

    Attributes:
        user, item: int32 [n] codes; all 0 where the source has no such column.
        row: int [n] the place of each row in the source.
        time: float64 [n], or None.
        rating, weight: float32 [n], or None.
        labels: float32 [n] each, by name.
        part: int8 [n] the published part of each row (an index into `split.PARTS`), or None.
    """

    user: IntArray
    item: IntArray
    row: IntArray
    time: FloatArray | None = None
    rating: FloatArray | None = None
    weight: FloatArray | None = None
    labels: Mapping[str, FloatArray] = field(default_factory=dict)
    part: IntArray | None = None

    def __len__(self) -> int:
        return len(self.user)

    @property
    def label(self) -> FloatArray | None:
        """float32 [n] the first label, or None."""
        return next(iter(self.labels.values()), None)

    def take(self, rows: IntArray | Mask) -> Log:
        """Some of the rows, by position or by mask."""
        names = ("user", "item", "row", "time", "rating", "weight", "part")
        taken: dict[str, Any] = {name: None if (column := getattr(self, name)) is None else column[rows] for name in names}
        return Log(**taken, labels={name: values[rows] for name, values in self.labels.items()})


def stable_order(keys: IntArray) -> IntArray:
    """int64 [n] the stable order of non-negative integers.

    Key and position together mostly fit into 63 bits, and sorting such numbers is several times faster than a stable argsort.
    """
    n = len(keys)
    bits = max(n - 1, 1).bit_length()
    if n == 0 or int(keys.max()).bit_length() + bits > 63:
        return np.argsort(keys, kind="stable")
    packed = np.left_shift(keys, bits, dtype=np.int64)
    packed |= np.arange(n)
    packed.sort()
    packed &= (1 << bits) - 1
    return packed


def by_time(time: FloatArray | None, n: int) -> IntArray:
    """int64 [n] the stable order of times, which are not negative."""
    if time is None or not np.any(time[1:] < time[:-1]):
        return np.arange(n)
    if time.max() < 2**53 and np.array_equal(whole := time.astype(np.int64), time):
        return stable_order(whole - whole.min())
    # Non-negative doubles sort as their bits do; the zero that has a sign would not.
    return stable_order(np.abs(time.astype(np.float64)).view(np.int64))


def by_user_and_time(user: IntArray, time: FloatArray | None) -> IntArray:
    """int64 [n] the order by user, then by time, then as it was."""
    first = by_time(time, len(user))
    return first[stable_order(user[first])]


def rank_in_group(groups: IntArray) -> IntArray:
    """int64 [n] how many rows of the same group lie before each row; `groups` is sorted."""
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]) if len(groups) else np.zeros(0, dtype=np.int64)
    lengths = np.diff(np.r_[starts, len(groups)])
    return np.arange(len(groups)) - np.repeat(starts, lengths)
