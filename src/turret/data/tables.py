"""What a table must offer for a dataset to be made of it, wherever it lives: in files behind an engine, or in arrays.

This is where a bigger engine can take over: everything after it works on ids and numbers in NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

from turret.core.interactions import FloatArray, IntArray
from turret.data.schema import Field
from turret.data.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of tokens.

    Attributes:
        codes: int32 [n], -1 where missing.
        vocabulary: all tokens of the column (that are frequent enough), sorted by length and bytes, so that a code depends on nothing but
            the set of tokens.
    """

    codes: IntArray
    vocabulary: Vocabulary


@dataclass(frozen=True, slots=True)
class Lists:
    """A column of several values a row.

    Attributes:
        offsets: int64 [n + 1].
        values: of row r, those from `offsets[r]` to `offsets[r + 1]`.
    """

    offsets: IntArray
    values: Coded | FloatArray


class Table(Protocol):
    """Rows of fields, in the order of the log."""

    @property
    def fields(self) -> Sequence[Field]:
        """Its columns."""
        ...

    @property
    def parts(self) -> Mapping[str, int]:
        """How many rows, in order, each part of a published split has; empty where none is published."""
        ...

    @property
    def left_out(self) -> Sequence[str]:
        """Columns of the source that nothing is known of."""
        ...

    def __len__(self) -> int: ...

    def tokens(self, name: str, at_least: int = 1) -> Coded:
        """A column of type token. Those in fewer rows than `at_least` count as missing, so that a table can be spared to number them."""
        ...

    def numbers(self, name: str) -> FloatArray:
        """float64 [n] a column of type float, NaN where missing."""
        ...

    def lists(self, name: str) -> Lists:
        """A column of type token_seq or float_seq; a missing value is an empty list."""
        ...

    def texts(self, name: str) -> list[str]:
        """A column as it is written, for people; "" where missing."""
        ...

    def release(self) -> None:
        """Gives back what the rows take up; after this only `refuse` and the attributes work."""
        ...

    def refuse(self, message: str, *, row: int | None = None, column: str | None = None, hint: str | None = None) -> NoReturn:
        """Raises an `InputError` that names the place of `row` in the source."""
        ...


def field_of(table: Table, role: str) -> Field | None:
    """The field with a role, if there is one."""
    return next((field for field in table.fields if field.role == role), None)
