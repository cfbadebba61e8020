"""From a table of interactions to a log of codes and numbers, refusing what cannot be one."""

from __future__ import annotations

import numpy as np

from turret.core.interactions import FloatArray, IntArray
from turret.data.log import Log, by_user_and_time
from turret.data.report import Report
from turret.data.schema import Field
from turret.data.split import PARTS
from turret.data.tables import Coded, Table, field_of
from turret.data.vocabulary import Vocabulary


def load(table: Table, report: Report) -> tuple[Log, Vocabulary, Vocabulary]:
    """The log, sorted, and the tokens behind its user and item codes.

    Raises:
        InputError: an id is missing or not a number (NaN), a time is missing or negative, a rating, label or weight is missing or infinite.
    """
    user_field, item_field = user_of(table), field_of(table, "item")
    assert item_field is not None
    user, item = ids(table, user_field), ids(table, item_field)
    columns = {
        role: None if (field := field_of(table, role)) is None else numbers(table, field) for role in ("time", "rating", "label", "weight")
    }
    part = np.repeat([PARTS.index(name) for name in table.parts], list(table.parts.values())).astype(np.int8) if table.parts else None
    order = by_user_and_time(user.codes, columns["time"])
    narrow = {
        role: None if column is None else column[order] if role == "time" else column[order].astype(np.float32)
        for role, column in columns.items()
    }
    log = Log(user.codes[order], item.codes[order], order, part=None if part is None else part[order], **narrow)
    report.add("read", f"{len(log):,} rows, {len(user.vocabulary):,} users, {len(item.vocabulary):,} items")
    if table.left_out:
        report.add(
            "read",
            f"columns that nothing says the meaning of were left out: {', '.join(table.left_out)} (--columns NAME=ROLE takes them in)",
        )
    return log, user.vocabulary, item.vocabulary


def user_of(table: Table) -> Field:
    """The field of users; where there is none, that of sessions, each of which is then a user of its own."""
    field = field_of(table, "user") or field_of(table, "session")
    assert field is not None
    return field


def ids(table: Table, field: Field) -> Coded:
    """A column of ids, none of which may be missing."""
    coded = table.tokens(field.name)
    if np.any(coded.codes < 0):
        table.refuse(f"the {field.role} id is missing", row=int(np.argmax(coded.codes < 0)), column=field.name)
    for token in ("nan", "NaN", "NAN"):
        code = coded.vocabulary.id(token)
        if code is not None:
            table.refuse(f"the {field.role} id is {token}", row=int(np.argmax(coded.codes == code)), column=field.name)
    return coded


def numbers(table: Table, field: Field) -> FloatArray:
    """float64 [n] a column of numbers, none of which may be missing or infinite, nor a time negative."""
    values = table.numbers(field.name)
    for bad, words in ((np.isnan(values), "is missing"), (np.isinf(values), "is infinite")):
        if np.any(bad):
            table.refuse(f"the {field.role} {words}", row=int(np.argmax(bad)), column=field.name)
    if field.role == "time" and np.any(values < 0):
        row = int(np.argmax(values < 0))
        table.refuse(f"the time {values[row]:g} is negative", row=row, column=field.name)
    return values


def rows_by_id(table: Table, field: Field, vocabulary: Vocabulary) -> IntArray:
    """int64 [len(vocabulary)] the row of a table of users or items that tells of each id, -1 where none does.

    Raises:
        InputError: an id is missing, or two rows tell of it.
    """
    coded = ids(table, field)
    twice = np.flatnonzero(np.bincount(coded.codes, minlength=len(coded.vocabulary)) > 1)
    if len(twice):
        first, second = np.flatnonzero(coded.codes == twice[0])[:2]
        table.refuse(
            f"the {field.role} '{coded.vocabulary.token(int(twice[0]))}' is there twice, first in row {first + 1}",
            row=int(second),
            column=field.name,
        )
    rows = np.full(len(vocabulary), -1, dtype=np.int64)
    known = vocabulary.ids(coded.vocabulary)[coded.codes]
    rows[known[known >= 0]] = np.flatnonzero(known >= 0)
    return rows
