"""Encoded columns: what became of a table's fields once their tokens are ids."""

from __future__ import annotations

from dataclasses import dataclass

from turret.core.interactions import FloatArray, IntArray
from turret.data.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Tokens:
    """One category a row.

    Attributes:
        ids: int32 [n]; 0 stands for a missing value and for one that training never saw.
        vocabulary: the values of ids 1, 2, ... (`size` ids with the 0).
    """

    ids: IntArray
    vocabulary: Vocabulary

    @property
    def size(self) -> int:
        """How many ids there are, 0 included."""
        return len(self.vocabulary) + 1


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number a row: float32 [n], NaN where missing."""

    values: FloatArray


@dataclass(frozen=True, slots=True)
class TokenSets:
    """Several categories a row: row r has `ids[offsets[r]:offsets[r + 1]]`, numbered as in `Tokens`."""

    offsets: IntArray
    ids: IntArray
    vocabulary: Vocabulary

    @property
    def size(self) -> int:
        """How many ids there are, 0 included."""
        return len(self.vocabulary) + 1


@dataclass(frozen=True, slots=True)
class NumberSets:
    """Several numbers a row: row r has `values[offsets[r]:offsets[r + 1]]`, float32."""

    offsets: IntArray
    values: FloatArray


Column = Tokens | Numbers | TokenSets | NumberSets
