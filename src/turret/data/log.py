"""The log while it is worked on: ids and numbers in columns, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from turret.core.interactions import FloatArray, IntArray
from turret.data.blocks import BLOCK, blocks, blocks_of_groups, counted, places, taken
from turret.data.spool import Array, Keep, in_memory, let_go

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
        keep: where the columns lie that are made of these.
    """

    user: IntArray
    item: IntArray
    row: IntArray
    time: FloatArray | None = None
    rating: FloatArray | None = None
    weight: FloatArray | None = None
    labels: Mapping[str, FloatArray] = field(default_factory=dict)
    part: IntArray | None = None
    keep: Keep = in_memory

    def __len__(self) -> int:
        return len(self.user)

    @property
    def label(self) -> FloatArray | None:
        """float32 [n] the first label, or None."""
        return next(iter(self.labels.values()), None)

    def take(self, rows: IntArray | Mask) -> Log:
        """Some of the rows, by position or by mask. Column by column, so that one at a time is in memory."""
        names = ("user", "item", "row", "time", "rating", "weight", "part")
        columns: dict[str, Any] = {name: None if (column := getattr(self, name)) is None else self._taken(column, rows) for name in names}
        return Log(**columns, labels={name: self._taken(values, rows) for name, values in self.labels.items()}, keep=self.keep)

    def _taken(self, column: Array, rows: IntArray | Mask) -> Array:
        values = self.keep(taken(column, rows))
        let_go(column)
        return values


def stable_order(keys: IntArray) -> IntArray:
    """int [n] the stable order of non-negative integers.

    Key and position together mostly fit into 63 bits, and sorting such numbers is several times faster than a stable argsort.
    """
    n, most = len(keys), int(keys.max(initial=0))
    bits = max(n - 1, 1).bit_length()
    if n <= BLOCK and most < 1 << 16:
        return np.argsort(keys.astype(np.uint16), kind="stable").astype(places(n))  # by digits
    if most.bit_length() + bits > 63:
        return np.argsort(keys, kind="stable").astype(places(n))
    packed = np.empty(n, dtype=np.int64)
    for block in blocks(n):
        np.left_shift(keys[block], bits, out=packed[block], dtype=np.int64)
        packed[block] |= np.arange(block.start, block.stop)
    packed.sort()
    order = np.empty(n, dtype=places(n))
    for block in blocks(n):
        order[block] = packed[block] & ((1 << bits) - 1)
    return order


def by_time(time: FloatArray | None, n: int) -> IntArray:
    """int [n] the stable order of times, which are not negative."""
    if time is None or not np.any(time[1:] < time[:-1]):
        return np.arange(n, dtype=places(n))
    if time.max() < 2**53 and np.array_equal(whole := time.astype(np.int64), time):
        whole -= whole.min()
        return stable_order(whole)
    # Non-negative doubles sort as their bits do; the zero that has a sign would not.
    return stable_order(np.abs(time.astype(np.float64)).view(np.int64))


def by_user_and_time(user: IntArray, time: FloatArray | None) -> IntArray:
    """int [n] the order by user, then by time, then as it was.

    The rows are parted by ranges of users, and then each part is put in order, in the processor's cache.
    """
    counts = counted(user, int(user.max(initial=-1)) + 1)
    order, parts = _parted((np.cumsum(counts) - counts) // max(BLOCK, len(user) >> 15), user)
    for block in blocks_of_groups(parts):
        rows = order[block]
        first, group = by_time(None if time is None else time[rows], len(rows)), user[rows]
        order[block] = rows[first[stable_order((group - group.min())[first])]]
    return order


def _parted(part_of_user: IntArray, user: IntArray) -> tuple[IntArray, IntArray]:
    """int [n] the stable order by part, of which there are less than 2^16, and how many rows each part has."""
    own = part_of_user.astype(np.uint16)
    counts = counted(user, len(own))
    rows = np.bincount(own, weights=counts).astype(np.int64) if len(own) else np.zeros(0, dtype=np.int64)
    following = np.cumsum(rows) - rows
    order = np.empty(len(user), dtype=places(len(user)))
    for block in blocks(len(user), 1 << 18):
        part = own[user[block]]
        here = np.bincount(part, minlength=len(rows))
        into = np.arange(len(part)) + np.repeat(following - np.cumsum(here) + here, here)
        order[into] = np.argsort(part, kind="stable") + block.start
        following += here
    return order, rows


def rank_in_group(groups: IntArray) -> IntArray:
    """int [n] how many rows of the same group lie before each row; `groups` is sorted."""
    number = places(len(groups))
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]) if len(groups) else np.zeros(0, dtype=np.int64)
    rank = np.arange(len(groups), dtype=number)
    rank -= np.repeat(starts.astype(number), np.diff(np.r_[starts, len(groups)]))
    return rank
