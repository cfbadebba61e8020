"""Tables in files, read by DuckDB out of core: delimited text, Parquet and JSON lines, plain or compressed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import duckdb
import numpy as np

from turret.core.errors import InputError, TurretError
from turret.core.interactions import FloatArray, IntArray
from turret.data import text
from turret.data.config import Source
from turret.data.engine import Engine, literal, quoted
from turret.data.files import File, look_at
from turret.data.relation import Relation, refuse_what_will_not_convert, stored_type
from turret.data.schema import Field, fields_of
from turret.data.tables import Coded, Lists
from turret.data.vocabulary import Vocabulary

__all__ = ["CHUNK", "Engine", "File", "FileTable", "literal", "look_at", "quoted"]

CHUNK = 1 << 24
"""Rows fetched at once."""


class FileTable:
    """A table read from files; see `tables.Table`.

    Args:
        engine: what it is loaded into.
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
        self._places: list[tuple[File, int]] = []
        self.parts: dict[str, int] = {}
        self.fields: list[Field] = []
        self.left_out: list[str] = []
        self.names: set[str] = set()
        for part, paths in parts.items():
            before = len(self)
            for path in paths:
                self._load(table, look_at(path, source))
            if part:
                self.parts[part] = len(self) - before

    def __len__(self) -> int:
        return sum(rows for _, rows in self._places)

    def _load(self, table: str, file: File) -> None:
        self.names |= set(file.header)
        fields, left_out = fields_of(table, file.header, file.source.columns, path=str(file.path))
        if not self._places:
            self.fields = [field for field in fields if self._only is None or field.name in self._only]
            self.left_out = left_out
            columns = ", ".join(f"{self._column(field.name)} {stored_type(field)}" for field in self.fields)
            self._connection.execute(f"CREATE TABLE log ({columns})")
        elif missing := [field.name for field in self.fields if field not in fields]:
            raise InputError(f"no column {missing[0]} as {self._places[0][0].path.name} has it", path=file.path, line=1)
        try:
            with self._room(file.path):
                rows = self._filled(file)
        except duckdb.Error as error:
            file.explain(self.fields, error)
        if rows == 0:
            raise InputError("no rows", path=file.path, hint="the file holds a header and nothing else" if file.source.header else None)
        self._places.append((file, rows))

    def _filled(self, file: File) -> int:
        """Appends the rows of a file, and says how many."""
        relation = Relation(self._connection, file, self.fields)
        refuse_what_will_not_convert(self._connection, relation)
        stored = ", ".join(relation.stored(field) for field in self.fields)
        rows = self._connection.execute(f"INSERT INTO log SELECT {stored} FROM {relation.sql}").fetchall()[0][0]
        if file.format == "parquet":
            self._refuse_long_texts(file.path)
        return int(rows)

    def _refuse_long_texts(self, path: Path) -> None:
        """Parquet keeps a text once, however many rows have it; here each has it, and Python will."""
        texts = [field for field in self.fields if stored_type(field) == "VARCHAR"]
        bound = text.most(path) + sum(text.most(file.path) for file, _ in self._places)
        length = " + ".join(f"coalesce(sum(strlen({self._column(field.name)})), 0)" for field in texts)
        if texts and self._connection.execute(f"SELECT {length} FROM log").fetchall()[0][0] > bound:
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
        with self._room(self._places[0][0].path):
            return self._coded("log", self._column(name), len(self), at_least)

    def numbers(self, name: str) -> FloatArray:
        with self._room(self._places[0][0].path):
            return self._fetched("log", self._column(name), len(self))

    def lists(self, name: str) -> Lists:
        with self._room(self._places[0][0].path):
            return self._unnested(name)

    def _unnested(self, name: str) -> Lists:
        kind = next(field.type for field in self.fields if field.name == name)
        filled = "value <> ''" if kind == "token_seq" else "value IS NOT NULL"
        members = f"SELECT rowid AS place, unnest({self._column(name)}) AS value FROM log"
        self._connection.execute(f"CREATE TABLE members AS SELECT * FROM ({members}) WHERE {filled}")
        n = self._connection.table("members").shape[0]
        offsets = np.zeros(len(self) + 1, dtype=np.int64)
        np.cumsum(np.bincount(self._fetched("members", "place", n).astype(np.int64), minlength=len(self)), out=offsets[1:])
        values = self._coded("members", "value", n) if kind == "token_seq" else self._fetched("members", "value", n)
        self._connection.execute("DROP TABLE members")
        return Lists(offsets, values)

    def texts(self, name: str) -> list[str]:
        with self._room(self._places[0][0].path):
            return [row[0] for row in self._connection.execute(f"SELECT coalesce({self._column(name)}, '') FROM log").fetchall()]

    def release(self) -> None:
        self._connection.close()

    def refuse(self, message: str, *, row: int | None = None, column: str | None = None, hint: str | None = None) -> NoReturn:
        if row is None:
            raise InputError(message, path=self._places[0][0].path, column=column, hint=hint)
        before = np.cumsum([0, *(rows for _, rows in self._places)])
        index = int(np.searchsorted(before, row, side="right")) - 1
        file = self._places[index][0]
        raise InputError(message, path=file.path, line=file.line_of(row - int(before[index])), column=column, hint=hint)

    def _coded(self, table: str, column: str, n: int, at_least: int = 1) -> Coded:
        frequent = f"HAVING count(*) >= {at_least}" if at_least > 1 else ""
        self._connection.execute(
            "CREATE TABLE vocabulary AS SELECT token, (row_number() OVER (ORDER BY strlen(token), token) - 1)::INTEGER AS code "
            f"FROM (SELECT {column} AS token FROM {table} WHERE {column} IS NOT NULL GROUP BY {column} {frequent})"
        )
        codes = np.full(n, -1, dtype=np.int32)
        for start in range(0, n, CHUNK):
            # A join returns its rows in any order, so each brings the place it belongs to.
            found = self._connection.execute(
                f"SELECT t.rowid AS place, code FROM {table} t JOIN vocabulary ON t.{column} = token "
                f"WHERE t.rowid >= {start} AND t.rowid < {start + CHUNK}"
            ).fetchnumpy()
            codes[found["place"]] = found["code"]
        vocabulary = self._vocabulary()
        self._connection.execute("DROP TABLE vocabulary")
        return Coded(codes, vocabulary)

    def _vocabulary(self) -> Vocabulary:
        cursor = self._connection.execute("SELECT token FROM vocabulary ORDER BY code")
        pieces: list[bytes] = []
        lengths: list[IntArray] = []
        while rows := cursor.fetchmany(100_000):
            encoded = [row[0].encode() for row in rows]
            pieces.append(b"".join(encoded))
            lengths.append(np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)))
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), *lengths]).cumsum()
        return Vocabulary(np.frombuffer(b"".join(pieces), dtype=np.uint8), offsets, np.arange(len(offsets) - 1, dtype=np.int32))

    def _fetched(self, table: str, column: str, n: int) -> FloatArray:
        """float64 [n] a column of numbers. A plain scan keeps the order of the rows."""
        values = np.empty(n, dtype=np.float64)
        for start in range(0, n, CHUNK):
            scan = f"SELECT {column} AS x FROM {table} WHERE rowid >= {start} AND rowid < {start + CHUNK}"
            found = self._connection.execute(scan).fetchnumpy()["x"]
            values[start : start + len(found)] = np.ma.filled(found.astype(np.float64, copy=False), np.nan)
        return values
