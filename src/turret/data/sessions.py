"""Logs of sessions as GRU4Rec's authors read them: three columns of a table, nothing filtered, items numbered as they appear."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np

from turret.core.errors import InputError
from turret.core.interactions import FloatArray, IntArray, Interactions
from turret.data.config import Column, Source
from turret.data.load import ids, numbers
from turret.data.log import by_user_and_time
from turret.data.readers import Engine, FileTable, look_at
from turret.data.schema import Role
from turret.data.tables import Coded, field_of
from turret.data.vocabulary import Vocabulary

PICKLES = (".pickle", ".pkl")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")


@dataclass(frozen=True)
class Columns:
    """What the three columns are called; others are not read."""

    session: str = "SessionId"
    item: str = "ItemId"
    time: str = "Time"

    @property
    def roles(self) -> dict[str, Role]:
        """Each name with its role."""
        return {self.session: "session", self.item: "item", self.time: "time"}


class NoColumnError(InputError):
    """A file lacks a column. `role` is what the column means, `name` what it was looked for as."""

    def __init__(self, role: Role, name: str, header: list[str], path: Path) -> None:
        super().__init__(f"no column {name!r} for the {role} among {', '.join(header)}", path=path, line=1)
        self.role, self.name = role, name


@dataclass(frozen=True)
class Rows:
    """A log of sessions, its rows in the order of the file.

    Attributes:
        path: the file.
        columns: their names in it.
        session: int32 [n] sessions numbered by ascending id, which counts as a number where all are numbers.
        item: int32 [n].
        time: float64 [n].
        sessions, items: the token behind each number.
    """

    path: Path
    columns: Columns
    session: IntArray
    item: IntArray
    time: FloatArray
    sessions: Vocabulary
    items: Vocabulary

    def __len__(self) -> int:
        return len(self.session)

    def among(self, items: Vocabulary) -> Rows:
        """The rows whose items `items` has, numbered as they are there. Sessions keep their numbers, also those that are left empty."""
        ids_of_codes = items.ids(self.items).astype(np.int32)
        item = ids_of_codes[self.item]
        kept = item >= 0
        return replace(self, session=self.session[kept], item=item[kept], time=self.time[kept], items=items)

    @property
    def unsorted(self) -> str | None:
        """The first of the columns of session and time that the rows are not sorted by; None where they are sorted."""
        forward, later = np.diff(self.session), np.diff(self.time)
        if np.any(forward < 0):
            return self.columns.session
        return self.columns.time if np.any((forward == 0) & (later < 0)) else None

    @cached_property
    def log(self) -> Interactions:
        """The log with sessions as its users, by session and time; where times are equal, in the order of the file."""
        order = by_user_and_time(self.session, self.time) if self.unsorted else slice(None)
        return Interactions(self.session[order], self.item[order], len(self.sessions), len(self.items), time=self.time[order])


def check(path: Path, columns: Columns) -> None:
    """Looks at what can be told of a file before it is read: that it is there, is no pickle and has the columns.

    Raises:
        InputError: it is not so; NoColumnError for a column.
    """
    if len(columns.roles) < len(fields(columns)):
        raise InputError(f"session, item and time should be three columns, not {', '.join(sorted(columns.roles))} alone")
    if path.suffix.lower() in PICKLES:
        _refuse_pickle(path)
    if not path.is_file():
        raise InputError("there is no such file", path=path)
    header = list(look_at(path, Source()).header)
    for name, role in columns.roles.items():
        if name not in header:
            raise NoColumnError(role, name, header, path)


def read(path: Path, columns: Columns = Columns()) -> Rows:
    """Reads a log of sessions: text with a header and tabs between the columns, or another format that the file's name tells.

    Raises:
        InputError: the file is not what it should be; an id or a time is missing, a time is no number or date.
    """
    check(path, columns)
    source = Source(columns={name: Column(role=role) for name, role in columns.roles.items()})
    with tempfile.TemporaryDirectory() as scratch:
        table = FileTable(Engine(Path(scratch)), "sessions", {"": [path]}, source)
        session_field, item_field, time_field = (field_of(table, role) for role in columns.roles.values())
        assert session_field is not None and item_field is not None and time_field is not None
        session, sessions = _ascending(ids(table, session_field))
        item, items = _as_they_appear(ids(table, item_field))
        time = np.array(numbers(table, time_field))  # what the table gives lies in its folder
        table.release()
    return Rows(path, columns, session, item, time, sessions, items)


def _ascending(coded: Coded) -> tuple[IntArray, Vocabulary]:
    """Codes and vocabulary in the order of the tokens as numbers; where one is no number, as they are, by length and bytes."""
    if _plain(coded.vocabulary):
        return np.array(coded.codes), coded.vocabulary
    tokens = list(coded.vocabulary)
    if not all(NUMBER.fullmatch(token) for token in tokens):
        return np.array(coded.codes), coded.vocabulary
    # Several ways to write one number are one session.
    values = [Decimal(token) for token in tokens]
    place = {value: index for index, value in enumerate(sorted(set(values)))}
    places = np.array([place[value] for value in values], dtype=np.int32)
    first = np.unique(places, return_index=True)[1]
    return places[coded.codes], coded.vocabulary.take(first)


def _plain(vocabulary: Vocabulary) -> bool:
    """Whether all tokens are digits without zeros before them: by length and bytes, these are sorted as numbers."""
    data, starts = np.asarray(vocabulary.data), np.asarray(vocabulary.offsets[:-1])
    digits = np.all((data >= ord("0")) & (data <= ord("9")))
    return bool(digits) and not np.any((data[starts] == ord("0")) & (np.diff(vocabulary.offsets) > 1))


def _as_they_appear(coded: Coded) -> tuple[IntArray, Vocabulary]:
    """Codes and vocabulary in the order of first appearance."""
    n = len(coded.codes)
    first = np.empty(len(coded.vocabulary), dtype=np.int64)
    first[coded.codes[::-1]] = np.arange(n)[::-1]  # of the rows of one item, the one that is written last is the first
    order = np.argsort(first)
    ids_of_codes = np.empty(len(order), dtype=np.int32)
    ids_of_codes[order] = np.arange(len(order), dtype=np.int32)
    return ids_of_codes[coded.codes], coded.vocabulary.take(order)


def _refuse_pickle(path: Path) -> NoReturn:
    hint = f"write the table as text from the program that made it: table.to_csv('{path.stem}.tsv', sep='\\t', index=False)"
    raise InputError("pickles are not read: to open one runs whatever code stands in it", path=path, hint=hint)
