"""Interactions: who did what, as columns, with the two groupings everything is computed from.

NumPy, not torch: these arrays may be memory maps larger than memory. `batches` turns what a step needs into tensors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.floating[Any]]
AT_ONCE = 1 << 18
"""Ids that are compared at once, so that a mapped array passes through the cache once."""


def check_ids(what: str, ids: IntArray, n: int, least: int = 0) -> None:
    """Refuses ids that compiled loops, which index without looking, would follow out of an array.

    Args:
        what: they are.
        ids: [m].
        n: how many there are; an id is in least..n-1.
        least: -1 where that stands for none.

    Raises:
        ValueError: they are no whole numbers, or one is outside.
    """
    _check_kind(what, ids, "i", "whole numbers")
    for start in range(0, len(ids), AT_ONCE):
        block = ids[start : start + AT_ONCE]
        low, high = int(block.min()), int(block.max())
        if low < least or high >= n:
            raise ValueError(f"{what}: {low if low < least else high} is outside {least}..{n - 1}")


def check_offsets(what: str, offsets: IntArray, rows: int, values: int) -> None:
    """Refuses offsets [rows + 1] that do not divide `values` values into rows, end to end.

    Raises:
        ValueError: they are no such offsets.
    """
    check_ids(what, offsets, values + 1)
    if not len(offsets) or len(offsets) != rows + 1 or offsets[0] != 0 or offsets[-1] != values or np.any(offsets[1:] < offsets[:-1]):
        raise ValueError(f"{what} do not divide {values:,} values into {rows:,} rows")


def check_numbers(what: str, values: npt.NDArray[Any], n: int) -> None:
    """Refuses what is no column of n numbers.

    Raises:
        ValueError: it is not.
    """
    _check_kind(what, values, "f", "numbers")
    if len(values) != n:
        raise ValueError(f"{what} has {len(values):,} rows, not {n:,}")


def _check_kind(what: str, values: npt.NDArray[Any], kind: str, called: str) -> None:
    if values.ndim != 1 or values.dtype.kind != kind or not values.dtype.isnative:
        raise ValueError(f"{what} should be {called} in one column, and is {values.dtype} of shape {list(values.shape)}")


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of different lengths, end to end (the CSR layout).

    Attributes:
        offsets: int64 [R + 1]; row r is `values[offsets[r]:offsets[r + 1]]`.
        values: [n] what the rows hold, mostly ids.
        positions: int64 [n] the row of the grouped table that each value came from, or None where there is no such table.
    """

    offsets: IntArray
    values: npt.NDArray[Any]
    positions: IntArray | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> npt.NDArray[Any]:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> IntArray:
        """int64 [R] the number of values in each row."""
        return np.diff(self.offsets)


def group(keys: IntArray, values: npt.NDArray[Any], n_rows: int) -> Ragged:
    """Collects `values` [n] by `keys` [n] (each in 0..n_rows-1), keeping their order inside a row."""
    offsets = np.zeros(n_rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(keys, minlength=n_rows), out=offsets[1:])
    if len(keys) and np.any(keys[1:] < keys[:-1]):
        order = np.argsort(keys, kind="stable")
        return Ragged(offsets, values[order], order)
    return Ragged(offsets, values, np.arange(len(values)))


@dataclass(frozen=True)
class Interactions:
    """Rows of (user, item, ...), sorted by user and, within a user, by time (the order in the log where time is equal or absent).

    A user id is below `n_users` and an item id below `n_items`. Ids that training never saw come after those it saw, so a model of
    I items scores 0..I-1 and can never name one of the others, while evaluation still counts them as missed.

    Attributes:
        user: int [n].
        item: int [n].
        n_users: how many user ids there are.
        n_items: how many item ids there are.
        time: float64 [n] in the unit of the log (mostly seconds), or None.
        rating: float32 [n], or None.
        label: float32 [n], 0 or 1, or None.
        weight: float32 [n], or None.
    """

    user: IntArray
    item: IntArray
    n_users: int
    n_items: int
    time: FloatArray | None = None
    rating: FloatArray | None = None
    label: FloatArray | None = None
    weight: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.user)

    def check(self) -> None:
        """Refuses columns that do not fit together, which files can hold that were damaged, or made up.

        Raises:
            ValueError: they differ in length, are of the wrong kind, or an id is not below its number of ids.
        """
        for side, ids, n in (("user", self.user, self.n_users), ("item", self.item, self.n_items)):
            check_ids(side, ids, n)
            if len(ids) != len(self):
                raise ValueError(f"{side} has {len(ids):,} rows, not {len(self):,}")
        for name in ("time", "rating", "label", "weight"):
            if (column := getattr(self, name)) is not None:
                check_numbers(name, column, len(self))

    def take(self, rows: IntArray | npt.NDArray[np.bool_]) -> Interactions:
        """Some of the rows, by position or by mask; in the order given, which should keep users and times sorted."""
        names = ("user", "item", "time", "rating", "label", "weight")
        columns: dict[str, Any] = {name: None if (column := getattr(self, name)) is None else column[rows] for name in names}
        return replace(self, **columns)

    @cached_property
    def choices(self) -> Interactions:
        """The rows in which the user chose the item: of impressions (labels without ratings) those labelled above 0, of others all.

        Whoever rates an item has chosen it, however low the rating; a label that was made from ratings says how much it was liked.
        """
        if self.label is None or self.rating is not None:
            return self
        return self.take(np.flatnonzero(np.asarray(self.label) > 0))

    @cached_property
    def by_user(self) -> Ragged:
        """Each user's items in time order."""
        return group(self.user, self.item, self.n_users)

    @cached_property
    def by_item(self) -> Ragged:
        """Each item's users."""
        return group(self.item, self.user, self.n_items)

    @cached_property
    def item_counts(self) -> IntArray:
        """int64 [n_items] how often each item occurs."""
        return np.bincount(self.item, minlength=self.n_items)
