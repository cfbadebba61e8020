"""Encoding: from the codes of a split to ids, training's first, and the tables of users and items by these ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turret.core.interactions import IntArray
from turret.data.blocks import counted
from turret.data.load import NOBODY, rows_by_id
from turret.data.log import Mask
from turret.data.report import Report
from turret.data.tables import Table, field_of
from turret.data.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Numbered:
    """Ids for codes.

    Attributes:
        of_codes: int32 [codes] the id of each code, -1 where it does not occur.
        known: how many ids training saw; they are 0..known-1, in the order of their tokens, and so are those after them.
        vocabulary: the token of each id.
    """

    of_codes: IntArray
    known: int
    vocabulary: Vocabulary

    @property
    def trained(self) -> Vocabulary:
        """The tokens that training saw."""
        return self.vocabulary.take(np.arange(self.known))


def number(codes: IntArray, in_train: Mask, vocabulary: Vocabulary) -> Numbered:
    """Numbers the codes that occur, those of the training rows first; of a log without such a column, nobody is known."""
    if vocabulary is NOBODY:
        return Numbered(np.zeros(1, dtype=np.int32), 0, NOBODY)
    trained = counted(codes[in_train], len(vocabulary)) > 0
    later = (counted(codes, len(vocabulary)) > 0) & ~trained
    chosen = np.concatenate([np.flatnonzero(trained), np.flatnonzero(later)])
    of_codes = np.full(len(vocabulary), -1, dtype=np.int32)
    of_codes[chosen] = np.arange(len(chosen), dtype=np.int32)
    return Numbered(of_codes, int(np.count_nonzero(trained)), vocabulary.take(chosen))


def told_of(vocabulary: Vocabulary, table: Table, role: str, report: Report) -> IntArray:
    """int64 [len(vocabulary)] the row of the table of users or items that tells of each, -1 where none does."""
    key = field_of(table, role)
    assert key is not None
    rows = rows_by_id(table, key, vocabulary)
    told = int(np.count_nonzero(rows >= 0))
    report.add(
        f"{role} table",
        f"tells of {told:,} of {len(vocabulary):,} {role}s; {len(table) - told:,} of its rows are of {role}s without interactions",
    )
    if table.left_out:
        report.add(f"{role} table", f"columns that nothing says the meaning of were left out: {', '.join(table.left_out)}")
    return rows


def texts(table: Table, rows: IntArray) -> dict[str, Vocabulary]:
    """The columns for people of a table of users or items, by id: "" where `rows` is -1."""
    raw = {field.name: table.texts(field.name) for field in table.fields if field.role == "title"}
    return {name: Vocabulary.of(values[row] if row >= 0 else "" for row in rows) for name, values in raw.items()}
