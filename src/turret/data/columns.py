"""Encoded columns: what became of a table's fields once their values are ids and numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from turret.core.interactions import FloatArray, IntArray, check_ids, check_numbers, check_offsets
from turret.data.numbering import Edges, Hashing
from turret.data.scale import Kind, Scale
from turret.data.vocabulary import Vocabulary

AS_IT_IS = Scale()
MOST_IDS = (1 << 31) - 2
"""Ids are int32, and 0 is one of them."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One category a row.

    Attributes:
        ids: int32 [n]; 0 stands for a missing value, one that training never saw and one that it saw in too few rows.
        vocabulary: the values of ids 1, 2, ..., or what makes ids of values (`size` ids with the 0).
    """

    ids: IntArray
    vocabulary: Vocabulary | Hashing | Edges

    @property
    def size(self) -> int:
        """How many ids there are, 0 included."""
        return len(self.vocabulary) + 1


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number a row.

    Attributes:
        values: float32 [n], as they were in the table, NaN where missing.
        scale: what makes them fit for a model.
    """

    values: FloatArray
    scale: Scale = AS_IT_IS


@dataclass(frozen=True, slots=True)
class TokenSets:
    """Several categories a row: row r has `ids[offsets[r]:offsets[r + 1]]`, numbered as in `Tokens`."""

    offsets: IntArray
    ids: IntArray
    vocabulary: Vocabulary | Hashing

    @property
    def size(self) -> int:
        """How many ids there are, 0 included."""
        return len(self.vocabulary) + 1


@dataclass(frozen=True, slots=True)
class NumberSets:
    """Several numbers a row.

    Attributes:
        offsets: int64 [n + 1].
        values: float32, as they were in the table; row r has `values[offsets[r]:offsets[r + 1]]`.
        scales: of the numbers at each place of a row, as many as the longest training row has; those beyond count for nothing.
    """

    offsets: IntArray
    values: FloatArray
    scales: tuple[Scale, ...] = ()

    def at(self, place: int) -> FloatArray:
        """float32 [n] the number at a place of each row, NaN where a row has none there."""
        places = self.offsets[:-1] + place
        present = places < self.offsets[1:]
        found = np.full(len(places), np.nan, dtype=np.float32)
        found[present] = self.values[places[present]]
        return found


Column = Tokens | Numbers | TokenSets | NumberSets


def arrays_of(column: Column) -> list[IntArray | FloatArray]:
    """The arrays that a column consists of."""
    if isinstance(column, (Tokens, Numbers)):
        return [column.ids if isinstance(column, Tokens) else column.values]
    return [column.offsets, column.ids if isinstance(column, TokenSets) else column.values]


def kept(column: Column, keep: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Column:
    """A column with its arrays where `keep` puts them."""
    if isinstance(column, Tokens):
        return replace(column, ids=keep(column.ids))
    if isinstance(column, Numbers):
        return replace(column, values=keep(column.values))
    if isinstance(column, TokenSets):
        return replace(column, offsets=keep(column.offsets), ids=keep(column.ids))
    return replace(column, offsets=keep(column.offsets), values=keep(column.values))


def kind_of(column: Column) -> tuple[type, int]:
    """What a column is, and how many ids or numbers a value of it may have: the same for all parts of a dataset."""
    if isinstance(column, (Tokens, TokenSets)):
        return type(column), column.size
    return type(column), len(column.scales) if isinstance(column, NumberSets) else 1


def check(what: str, column: Column, rows: int) -> None:
    """Refuses a column whose arrays do not fit together, or which has not so many rows.

    Raises:
        ValueError: that is so; says of what.
    """
    if isinstance(column, (Tokens, TokenSets)):
        _check_vocabulary(what, column.vocabulary)
        check_ids(what, column.ids, column.size)
        if isinstance(column, Tokens) and len(column.ids) != rows:
            raise ValueError(f"{what} has {len(column.ids):,} rows, not {rows:,}")
    else:
        check_numbers(what, column.values, rows if isinstance(column, Numbers) else len(column.values))
        for scale in (column.scale,) if isinstance(column, Numbers) else column.scales:
            if scale.kind not in get_args(Kind) or not np.isfinite([scale.shift, scale.factor]).all() or not scale.factor:
                raise ValueError(f"{what} cannot be scaled by {scale}")
    if isinstance(column, (TokenSets, NumberSets)):
        check_offsets(f"the offsets of {what}", column.offsets, rows, len(column.ids if isinstance(column, TokenSets) else column.values))


def _check_vocabulary(what: str, vocabulary: Vocabulary | Hashing | Edges) -> None:
    if isinstance(vocabulary, Vocabulary):
        vocabulary.check(what)
    elif isinstance(vocabulary, Hashing):
        if not isinstance(vocabulary.size, int) or not 0 < vocabulary.size <= MOST_IDS:
            raise ValueError(f"{what} is hashed to {vocabulary.size} ids")
    else:
        check_numbers(f"the boundaries of {what}", vocabulary.boundaries, len(vocabulary) - 1)
        if not np.all(vocabulary.boundaries[1:] > vocabulary.boundaries[:-1]):
            raise ValueError(f"the boundaries of {what} do not ascend")
