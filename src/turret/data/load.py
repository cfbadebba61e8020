"""From a table of interactions to a log of codes and numbers, refusing what cannot be one."""

from __future__ import annotations

import numpy as np

from turret.core.interactions import FloatArray, IntArray
from turret.data.blocks import counted, first_where, places
from turret.data.log import Log, by_time, by_user_and_time
from turret.data.report import Report
from turret.data.schema import Field
from turret.data.split import PARTS
from turret.data.spool import Keep, in_memory, let_go
from turret.data.tables import Coded, Table, field_of
from turret.data.vocabulary import Vocabulary

NOBODY = Vocabulary.of([""])
"""The one user (or item) of a log that has no such column."""


def load(table: Table, report: Report, keep: Keep = in_memory) -> tuple[Log, Vocabulary, Vocabulary]:
    """The log, sorted, and the tokens behind its user and item codes.

    Args:
        table: of interactions.
        report: takes notes.
        keep: where the columns of the log are to lie.

    Raises:
        InputError: an id is missing or not a number (NaN), a time is missing or negative, a rating, label or weight is missing or infinite.
    """
    n = len(table)
    user, item = (_ids_or_nobody(table, field) for field in (user_of(table), field_of(table, "item")))
    moment = field_of(table, "time")
    time = None if moment is None else numbers(table, moment)
    rating, weight = (None if (field := field_of(table, role)) is None else narrow(table, field) for role in ("rating", "weight"))
    labels = {field.name: label(table, field, report) for field in table.fields if field.role == "label"}
    part = np.repeat([PARTS.index(name) for name in table.parts], list(table.parts.values())).astype(np.int8) if table.parts else None
    for column in (user.codes, item.codes, time):
        if column is not None:
            let_go(column)
    order = _order(user, time)
    row = keep(np.arange(n, dtype=places(n)))
    log = Log(user.codes, item.codes, row, time, rating, weight, labels, part, keep)
    log = log if order is None else log.take(order)
    said = [f"{len(coded.vocabulary):,} {name}" for name, coded in (("users", user), ("items", item)) if coded.vocabulary is not NOBODY]
    report.add("read", ", ".join([f"{len(log):,} rows", *said]))
    for name, coded in (("user", user), ("item", item)):
        if coded.vocabulary is NOBODY:
            report.add("read", f"no column is the {name} (--columns NAME={name} says which is): impressions of none in particular")
    if table.left_out:
        report.add(
            "read",
            f"columns that nothing says the meaning of were left out: {', '.join(table.left_out)} (--columns NAME=ROLE takes them in)",
        )
    return log, user.vocabulary, item.vocabulary


def _order(user: Coded, time: FloatArray | None) -> IntArray | None:
    """int [n] the order by user and time; None where the rows are in it."""
    if user.vocabulary is not NOBODY:
        return by_user_and_time(user.codes, time)
    return None if time is None else by_time(time, len(time))


def user_of(table: Table) -> Field | None:
    """The field of users; where there is none, that of sessions, each of which is then a user of its own."""
    return field_of(table, "user") or field_of(table, "session")


def _ids_or_nobody(table: Table, field: Field | None) -> Coded:
    return Coded(np.broadcast_to(np.int32(0), len(table)), NOBODY) if field is None else ids(table, field)


def label(table: Table, field: Field, report: Report) -> FloatArray:
    """float32 [n] a label. Where -1 and 1 are all there is, -1 says no and becomes 0; other numbers stay what they are."""
    values = narrow(table, field)
    no, yes = values == -1, values == 1
    if not np.all(no | yes):
        other = np.count_nonzero(~yes & (values != 0))
        if other:
            report.add("labels", f"{field.name} is a number to be predicted: it is neither 0 nor 1 in {other:,} rows")
    elif np.any(no) and np.any(yes):
        values[no] = 0
        report.add("labels", f"{field.name} is -1 or 1: {np.count_nonzero(no):,} rows of -1 count as 0")
    return values


def ids(table: Table, field: Field) -> Coded:
    """A column of ids, none of which may be missing."""
    coded = table.tokens(field.name)
    if (row := first_where(lambda codes: codes < 0, coded.codes)) is not None:
        table.refuse(f"the {field.role} id is missing", row=row, column=field.name)
    for token in ("nan", "NaN", "NAN"):
        code = coded.vocabulary.id(token)
        if code is not None:
            table.refuse(f"the {field.role} id is {token}", row=int(np.argmax(coded.codes == code)), column=field.name)
    return coded


def numbers(table: Table, field: Field) -> FloatArray:
    """float64 [n] a column of numbers, none of which may be missing or infinite, nor a time negative."""
    values = table.numbers(field.name)
    for bad, words in ((np.isnan, "is missing"), (np.isinf, "is infinite")):
        if (row := first_where(bad, values)) is not None:
            table.refuse(f"the {field.role} {words}", row=row, column=field.name)
    if field.role == "time" and (row := first_where(lambda block: block < 0, values)) is not None:
        table.refuse(f"the time {values[row]:g} is negative", row=row, column=field.name)
    return values


def narrow(table: Table, field: Field) -> FloatArray:
    """float32 [n] a column of numbers, none of which may be missing, infinite, or too large for 32 bits."""
    values = numbers(table, field)
    if (row := first_where(lambda block: np.abs(block) > np.finfo(np.float32).max, values)) is not None:
        table.refuse(f"the {field.role} {values[row]:g} is too large", row=row, column=field.name)
    return values.astype(np.float32)


def rows_by_id(table: Table, field: Field, vocabulary: Vocabulary) -> IntArray:
    """int64 [len(vocabulary)] the row of a table of users or items that tells of each id, -1 where none does.

    Raises:
        InputError: an id is missing, or two rows tell of it.
    """
    coded = ids(table, field)
    twice = np.flatnonzero(counted(coded.codes, len(coded.vocabulary)) > 1)
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
