"""What a part of a split asks of a model: which users, which right items, and which items it may not name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turret.core.errors import InputError
from turret.core.interactions import IntArray, Interactions, Ragged
from turret.data.prepared import TEST, VALID, Prepared

NOBODY = Ragged(np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int32))


@dataclass(frozen=True)
class Questions:
    """Users with their right items.

    Attributes:
        users: int64 [U] ids, ascending; each has a right item.
        truth: int32, the right items of each user, ascending, once each. Items that training never saw are among them.
        taken: int32, what each user had before and may not be recommended, ascending, within the catalogue.
        n_items: the catalogue is 0..n_items-1.
        known: right items that were left out because the user had them already.
    """

    users: IntArray
    truth: Ragged
    taken: Ragged
    n_items: int
    known: int = 0

    def __len__(self) -> int:
        return len(self.users)

    def __getitem__(self, rows: slice) -> Questions:
        """The questions of some neighbouring users."""
        start, stop, _ = rows.indices(len(self))
        return Questions(self.users[start:stop], cut(self.truth, start, stop), cut(self.taken, start, stop), self.n_items, self.known)

    @property
    def in_catalogue(self) -> Ragged:
        """The right items that a model can name."""
        return _where(self.truth, self.truth.values < self.n_items)


def cut(ragged: Ragged, start: int, stop: int) -> Ragged:
    """Rows start..stop-1, values copied by none."""
    offsets = ragged.offsets[start : stop + 1]
    return Ragged(offsets - offsets[0], ragged.values[offsets[0] : offsets[-1]])


def ask(prepared: Prepared, part: str, repeat_consumption: bool = False) -> Questions:
    """The questions of "valid" or "test". Right items are those that the user chose (`Interactions.choices`).

    Raises:
        InputError: `part` cannot be evaluated.
    """
    if part not in (VALID, TEST):
        raise InputError(f"a model is evaluated on {VALID} or {TEST}, not on {part!r}")
    if part not in prepared.parts:
        return Questions(np.empty(0, dtype=np.int64), NOBODY, NOBODY, prepared.n_items)
    log, width = prepared.interactions(part).choices, len(prepared.items.vocabulary)
    wanted = np.unique(_keys(log, width))
    known = 0
    taken = np.empty(0, dtype=np.int64)
    if not repeat_consumption:
        taken = np.unique(_keys(prepared.before(part, validation=True), width))
        new = ~_within(wanted, taken)
        wanted, known = wanted[new], int((~new).sum())
    users = np.unique(wanted // width)
    taken = taken[_within(taken // width, users) & (taken % width < prepared.n_items)]
    return Questions(users, _rows(wanted, users, width), _rows(taken, users, width), prepared.n_items, known)


def _keys(log: Interactions, width: int) -> IntArray:
    return np.asarray(log.user).astype(np.int64) * width + np.asarray(log.item)


def _within(values: IntArray, ascending: IntArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of `values` are in a sorted array."""
    if not len(ascending):
        return np.zeros(len(values), dtype=bool)
    at = np.searchsorted(ascending, values)
    return np.asarray(ascending[np.minimum(at, len(ascending) - 1)] == values)


def _rows(keys: IntArray, users: IntArray, width: int) -> Ragged:
    offsets = np.append(np.searchsorted(keys, users * width), len(keys)).astype(np.int64)
    return Ragged(offsets, (keys % width).astype(np.int32))


def _where(ragged: Ragged, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Ragged:
    before = np.concatenate([[0], np.cumsum(kept)])
    return Ragged(before[ragged.offsets], ragged.values[kept])
