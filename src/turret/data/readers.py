"""Tables in files, read by DuckDB out of core: delimited text, Parquet and JSON lines, plain or compressed."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import duckdb
import numpy as np

from turret.core.errors import InputError, TurretError
from turret.core.interactions import FloatArray
from turret.data import text
from turret.data.arrow import Texts, Values, batches
from turret.data.coding import Coding, frequent
from turret.data.config import Source
from turret.data.engine import Engine, literal, quoted
from turret.data.files import File, look_at
from turret.data.relation import Relation, refuse_what_will_not_convert, stored_type
from turret.data.schema import Field, Type, fields_of
from turret.data.spool import Growing
from turret.data.tables import Coded, Lists

__all__ = ["CHUNK", "Engine", "File", "FileTable", "literal", "look_at", "quoted"]

CHUNK = 1 << 24
"""Rows that a catalogue of public data fetches at once."""


class FileTable:
    """A table read from files; see `tables.Table`.

    Columns with a meaning of their own (ids, times, labels, ...) become codes and numbers, which lie on the disk, while the files are read.
    Only where there are features or titles, which are asked for one after another, does the engine keep the rows.

    Args:
        engine: what it is read by.
        table: which table it is: "inter", "user", ...
        parts: its files by part of a published split, or all under "".
        source: how to read them.
        only: the columns that are read; None: all that something is known of.

    Attributes:
        names: of all columns of its files.

    Raises:
        InputError: a file is not what it should be.
    """

    def __init__(
        self, engine: Engine, table: str, parts: Mapping[str, Sequence[Path]], source: Source, only: Collection[str] | None = None
    ) -> None:
        self._only = only
        self._connection = engine.reading({path: text.most(path) for paths in parts.values() for path in paths})
        self._scratch = Path(tempfile.mkdtemp(dir=engine.scratch))
        self._files = 0
        self._places: list[tuple[File, int]] = []
        self._length = 0
        self.parts: dict[str, int] = {}
        self.fields: list[Field] = []
        self.left_out: list[str] = []
        self.names: set[str] = set()
        reading: dict[str, _Tokens | _Numbers] = {}
        for part, paths in parts.items():
            before = len(self)
            for path in paths:
                self._load(table, look_at(path, source), reading)
            if part:
                self.parts[part] = len(self) - before
        self._columns = {name: column.finished() for name, column in reading.items()}
        if not any(_waits(field) for field in self.fields):
            self._connection.close()

    def __len__(self) -> int:
        return sum(rows for _, rows in self._places)

    def _load(self, table: str, file: File, reading: dict[str, _Tokens | _Numbers]) -> None:
        self.names |= set(file.header)
        fields, left_out = fields_of(table, file.header, file.source.columns, path=str(file.path))
        if not self._places:
            self.fields = [field for field in fields if self._only is None or field.name in self._only]
            self.left_out = left_out
            columns = ", ".join(f"{self._column(field.name)} {stored_type(field)}" for field in self.fields)
            self._connection.execute(f"CREATE TABLE log ({columns})")
            reading |= {field.name: _reading_of(field.type, self._new_file()) for field in self.fields if not _waits(field)}
        elif missing := [field.name for field in self.fields if field not in fields]:
            raise InputError(f"no column {missing[0]} as {self._places[0][0].path.name} has it", path=file.path, line=1)
        try:
            with self._room(file.path):
                rows = self._read(file, reading)
        except duckdb.Error as error:
            file.explain(self.fields, error)
        if rows == 0:
            raise InputError("no rows", path=file.path, hint="the file holds a header and nothing else" if file.source.header else None)
        self._places.append((file, rows))

    def _read(self, file: File, reading: Mapping[str, _Tokens | _Numbers]) -> int:
        """Takes in the rows of a file, and says how many."""
        relation = Relation(self._connection, file, self.fields)
        refuse_what_will_not_convert(self._connection, relation)
        stored = ", ".join(f"{relation.stored(field)} AS {self._column(field.name)}" for field in self.fields)
        rows = f"SELECT {stored} FROM {relation.sql}"
        if file.format == "parquet":
            self._refuse_long_texts(file.path, rows)
        if any(_waits(field) for field in self.fields):
            self._connection.execute(f"INSERT INTO log {rows}")
            rows = f"SELECT * FROM log WHERE rowid >= {len(self)}"
        n = 0
        asked = ["0", *(column.asked(self._column(name)) for name, column in reading.items())]  # there may be nothing else to count
        for counted, *batch in batches(self._connection.sql(f"SELECT {', '.join(asked)} FROM ({rows})")):
            for column, values in zip(reading.values(), batch, strict=True):
                column.add(values)
            n += len(counted)
        return n

    def _refuse_long_texts(self, path: Path, rows: str) -> None:
        """Parquet keeps a text once, however many rows have it; each row will have it here. Asked before anything is taken in."""
        texts = [field for field in self.fields if stored_type(field) == "VARCHAR"]
        bound = text.most(path) + sum(text.most(file.path) for file, _ in self._places)
        length = " + ".join(f"coalesce(sum(strlen({self._column(field.name)})), 0)" for field in texts)
        if texts:
            self._length += int(self._connection.execute(f"SELECT {length} FROM ({rows})").fetchall()[0][0])
        if self._length > bound:
            message = f"its texts come to more than {bound:,} bytes, over {text.EXPANSION} times its size, as no log does"
            raise InputError(message, path=path)

    def _column(self, name: str) -> str:
        """What a column is called in the engine, which takes names for the same that differ in their case."""
        return f"c{[field.name for field in self.fields].index(name)}"

    @contextmanager
    def _room(self, path: Path) -> Iterator[None]:
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise TurretError(f"{path} does not fit into memory and the disk: {text.why(error)}") from None

    def tokens(self, name: str, at_least: int = 1) -> Coded:
        coded = self._columns.get(name)
        return frequent(coded if isinstance(coded, Coded) else self._tokens("log", self._column(name)), at_least)

    def numbers(self, name: str) -> FloatArray:
        values = self._columns.get(name)
        return values if isinstance(values, np.ndarray) else self._numbers("log", self._column(name))

    def lists(self, name: str) -> Lists:
        with self._room(self._places[0][0].path):
            return self._unnested(name)

    def _unnested(self, name: str) -> Lists:
        kind = next(field.type for field in self.fields if field.name == name)
        filled = "value <> ''" if kind == "token_seq" else "value IS NOT NULL"
        members = f"SELECT rowid AS place, unnest({self._column(name)}) AS value FROM log"
        self._connection.execute(f"CREATE TABLE members AS SELECT * FROM ({members}) WHERE {filled}")
        offsets = np.zeros(len(self) + 1, dtype=np.int64)
        for (places,) in batches(self._connection.sql("SELECT place FROM members")):
            assert not isinstance(places, Texts)
            np.add.at(offsets, places + 1, 1)
        np.cumsum(offsets, out=offsets)
        values = self._tokens("members", "value") if kind == "token_seq" else self._numbers("members", "value")
        self._connection.execute("DROP TABLE members")
        return Lists(offsets, values)

    def texts(self, name: str) -> list[str]:
        with self._room(self._places[0][0].path):
            return [row[0] for row in self._connection.execute(f"SELECT coalesce({self._column(name)}, '') FROM log").fetchall()]

    def release(self) -> None:
        self._connection.close()
        self._columns = {}

    def refuse(self, message: str, *, row: int | None = None, column: str | None = None, hint: str | None = None) -> NoReturn:
        if row is None:
            raise InputError(message, path=self._places[0][0].path, column=column, hint=hint)
        before = np.cumsum([0, *(rows for _, rows in self._places)])
        index = int(np.searchsorted(before, row, side="right")) - 1
        file = self._places[index][0]
        raise InputError(message, path=file.path, line=file.line_of(row - int(before[index])), column=column, hint=hint)

    def _tokens(self, table: str, column: str) -> Coded:
        return self._filled(_Tokens(self._new_file()), table, column).finished()

    def _numbers(self, table: str, column: str) -> FloatArray:
        return self._filled(_Numbers(self._new_file()), table, column).finished()

    def _filled(self, column: _Reading, table: str, name: str) -> _Reading:
        """With a column of a table of the engine's. A plain scan keeps the order of the rows."""
        with self._room(self._places[0][0].path):
            for (values,) in batches(self._connection.sql(f"SELECT {column.asked(name)} FROM {table}")):
                column.add(values)
        return column

    def _new_file(self) -> Path:
        self._files += 1
        return self._scratch / str(self._files)


def _waits(field: Field) -> bool:
    """Whether the engine keeps a column until it is asked for."""
    return field.role in ("feature", "title")


class _Tokens:
    """A column of tokens that is being read; its codes go to a file."""

    def __init__(self, path: Path) -> None:
        self._coding, self._codes = Coding(), Growing(path, np.int32)

    def asked(self, column: str) -> str:
        """What to select."""
        return column

    def add(self, values: Values) -> None:
        assert isinstance(values, Texts)
        self._codes.add(self._coding.numbers(values))

    def finished(self) -> Coded:
        return self._coding.finished(self._codes.finished())


class _Numbers:
    """A column of numbers that is being read; they go to a file, NaN where they are missing."""

    def __init__(self, path: Path) -> None:
        self._values = Growing(path, np.float64)

    def asked(self, column: str) -> str:
        """What to select."""
        return f"coalesce({column}, 'nan'::DOUBLE)"

    def add(self, values: Values) -> None:
        assert not isinstance(values, Texts)
        self._values.add(values)

    def finished(self) -> FloatArray:
        return self._values.finished()


_Reading = TypeVar("_Reading", _Tokens, _Numbers)


def _reading_of(kind: Type, path: Path) -> _Tokens | _Numbers:
    return _Tokens(path) if kind == "token" else _Numbers(path)
