"""Tables in files, read by DuckDB out of core: delimited text, Parquet and JSON lines, plain or compressed."""

from __future__ import annotations

import datetime
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import duckdb
import numpy as np

from turret.core.errors import InputError, TurretError
from turret.core.interactions import FloatArray, IntArray
from turret.data import text
from turret.data.config import Source
from turret.data.layout import Format, format_of
from turret.data.schema import Field, Type, fields_of, parse_header
from turret.data.tables import Coded, Lists
from turret.data.vocabulary import Vocabulary

CHUNK = 1 << 24
"""Rows fetched at once."""


@dataclass(frozen=True)
class Engine:
    """How DuckDB is run.

    Attributes:
        scratch: a folder for what does not fit into memory.
        memory: what each table may hold in memory, such as "800MB".
        threads: None uses every core.
    """

    scratch: Path
    memory: str = "800MB"
    threads: int | None = None

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A database of its own, so that closing it gives all of its memory back."""
        config: dict[str, Any] = {"memory_limit": self.memory, "temp_directory": str(self.scratch)}
        if self.threads is not None:
            config["threads"] = self.threads
        return duckdb.connect(config=config)


@dataclass(frozen=True)
class File:
    """A file and how it is written.

    Attributes:
        path: where it is.
        format: how it is written.
        header: its columns, in order, with the types that it gives them.
        source: the settings.
        dated: columns of numbers that it writes as dates.
    """

    path: Path
    format: Format
    header: Mapping[str, Type | None]
    source: Source
    dated: frozenset[str] = frozenset()

    @property
    def delimiter(self) -> str:
        """Between the columns, where it is text."""
        return self.source.delimiter or ("," if self.format == "csv" else "\t")

    def explain(self, fields: Sequence[Field], cause: Exception) -> NoReturn:
        """Raises the InputError behind what the engine said."""
        if self.format == "json":
            text.explain_json(self.path, cause)
        if self.format == "parquet":
            raise InputError(f"cannot be read: {str(cause).splitlines()[0]}", path=self.path) from None
        numeric = {field.name for field in fields if field.type == "float"} - self.dated
        columns = [(name, name in numeric) for name in self.header]
        text.explain(self.path, columns, self.delimiter, quoted=self.format == "csv", header=self.source.header, cause=cause)

    def line_of(self, row: int) -> int | None:
        """The line of a row; in Parquet, which has no lines, the row counted from 1."""
        if self.format == "parquet":
            return row + 1
        if self.format == "json":
            return text.json_line_of(self.path, row)
        return text.line_of(self.path, row, self.delimiter, quoted=self.format == "csv", header=self.source.header)


def look_at(path: Path, source: Source) -> File:
    """Reads what a file says of itself."""
    kind = format_of(path, source)
    if kind == "parquet":
        return File(path, kind, _parquet_header(path), source)
    if kind == "json":
        return File(path, kind, _json_header(path), source)
    top = list(text.head(path, 2).values())
    bare = File(path, kind, {}, source)
    cells = text.cells(top[0], bare.delimiter, quoted=kind == "csv")
    if source.header:
        header = parse_header(cells, typed=kind == "atomic", path=str(path))
    else:
        header = dict.fromkeys(source.columns)
        if len(header) != len(cells):
            hint = "without a header line the columns setting names every column, in order"
            raise InputError(f"{len(cells)} columns, and {len(header)} names for them", path=path, line=1, hint=hint)
    first = text.cells(top[-1], bare.delimiter, quoted=kind == "csv")
    dated = {name for name, cell in zip(header, first, strict=False) if _is_date(cell)}
    return File(path, kind, header, source, frozenset(dated))


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
        self._connection = engine.connect()
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
            columns = ", ".join(f"{quoted(field.name)} {_stored_type(field)}" for field in self.fields)
            self._connection.execute(f"CREATE TABLE log ({columns})")
        elif missing := [field.name for field in self.fields if field not in fields]:
            raise InputError(f"no column {missing[0]} as {self._places[0][0].path.name} has it", path=file.path, line=1)
        physical = _physical_types(self._connection, file, self.fields)
        scan = _scan(file, physical)
        names = ", ".join(_stored(field, physical[field.name], file.source.seq_separator) for field in self.fields)
        try:
            _refuse_what_will_not_convert(self._connection, file, scan, self.fields, physical)
            rows = self._connection.execute(f"INSERT INTO log SELECT {names} FROM {scan}").fetchone()
        except duckdb.OutOfMemoryException as error:
            raise TurretError(f"{file.path} does not fit into memory and the disk: {str(error).splitlines()[0]}") from None
        except duckdb.Error as error:
            file.explain(self.fields, error)
        assert rows is not None
        if rows[0] == 0:
            raise InputError("no rows", path=file.path, hint="the file holds a header and nothing else" if file.source.header else None)
        self._places.append((file, int(rows[0])))

    def tokens(self, name: str, at_least: int = 1) -> Coded:
        return self._coded("log", quoted(name), len(self), at_least)

    def numbers(self, name: str) -> FloatArray:
        return self._fetched("log", quoted(name), len(self))

    def lists(self, name: str) -> Lists:
        kind = next(field.type for field in self.fields if field.name == name)
        filled = "value <> ''" if kind == "token_seq" else "value IS NOT NULL"
        self._connection.execute(
            f"CREATE TABLE members AS SELECT * FROM (SELECT rowid AS place, unnest({quoted(name)}) AS value FROM log) WHERE {filled}"
        )
        n = self._connection.table("members").shape[0]
        offsets = np.zeros(len(self) + 1, dtype=np.int64)
        np.cumsum(np.bincount(self._fetched("members", "place", n).astype(np.int64), minlength=len(self)), out=offsets[1:])
        values = self._coded("members", "value", n) if kind == "token_seq" else self._fetched("members", "value", n)
        self._connection.execute("DROP TABLE members")
        return Lists(offsets, values)

    def texts(self, name: str) -> list[str]:
        return [row[0] for row in self._connection.execute(f"SELECT coalesce({quoted(name)}, '') FROM log").fetchall()]

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


def quoted(name: str) -> str:
    """A name of a column in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def _stored_type(field: Field) -> str:
    if field.role == "title":
        return "VARCHAR"
    return {"token": "VARCHAR", "float": "DOUBLE", "token_seq": "VARCHAR[]", "float_seq": "DOUBLE[]"}[field.type]


def _physical_types(connection: duckdb.DuckDBPyConnection, file: File, fields: Sequence[Field]) -> dict[str, str]:
    """The type that the engine reads each column as."""
    if file.format == "parquet":
        scan = f"read_parquet({literal(str(file.path))})"
        return {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()}
    if file.format == "json":
        return dict.fromkeys(file.header, "JSON")
    numeric = {field.name for field in fields if field.type == "float"}
    return {name: ("TIMESTAMP" if name in file.dated else "DOUBLE") if name in numeric else "VARCHAR" for name in file.header}


def _scan(file: File, physical: Mapping[str, str]) -> str:
    path = literal(str(file.path))
    if file.format == "parquet":
        return f"read_parquet({path})"
    columns = "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in physical.items()) + "}"
    if file.format == "json":
        return f"read_json({path}, format = 'newline_delimited', columns = {columns})"
    quote = "'\"'" if file.format == "csv" else "''"
    header = "true" if file.source.header else "false"
    return (
        f"read_csv({path}, columns = {columns}, auto_detect = false, header = {header}, delim = {literal(file.delimiter)}, "
        f"quote = {quote}, escape = {quote}, max_line_size = {text.LONGEST_LINE})"
    )


def _stored(field: Field, physical: str, separator: str) -> str:
    """The expression that makes a field's value of what is in the file."""
    column = quoted(field.name)
    if field.type in ("token_seq", "float_seq") and field.role != "title":
        kind = _stored_type(field)
        if physical.endswith("[]"):
            return f"CAST({column} AS {kind})"
        written = f"json_extract_string({column}, '$')" if physical == "JSON" else column
        split = f"CAST(string_split(trim({written}), {literal(separator)}) AS {kind})"
        return f"CASE WHEN json_type({column}) = 'ARRAY' THEN CAST({column} AS {kind}) ELSE {split} END" if physical == "JSON" else split
    if field.type == "float" and field.role != "title":
        return _as_number(column, physical)
    return f"nullif({_as_text(column, physical)}, '')"


def _as_text(column: str, physical: str) -> str:
    if physical == "JSON":
        return f"json_extract_string({column}, '$')"
    text = f"CAST({column} AS VARCHAR)"
    # Whole numbers that were stored as floating ones, as pandas does where one is missing, are whole numbers again.
    return f"regexp_replace({text}, '\\.0$', '')" if physical in ("DOUBLE", "FLOAT") else text


def _as_number(column: str, physical: str) -> str:
    if physical.startswith(("TIMESTAMP", "DATE")):
        return f"epoch({column})"
    if physical in ("JSON", "VARCHAR"):
        written = f"nullif({_as_text(column, physical)}, '')"
        return f"coalesce(TRY_CAST({written} AS DOUBLE), epoch(TRY_CAST({written} AS TIMESTAMP)))"
    return f"CAST({column} AS DOUBLE)"


def _refuse_what_will_not_convert(
    connection: duckdb.DuckDBPyConnection, file: File, scan: str, fields: Sequence[Field], physical: Mapping[str, str]
) -> None:
    """Text files name the line of a value that is no number themselves; others are asked first."""
    for field in fields:
        if field.type != "float" or physical[field.name] not in ("JSON", "VARCHAR") or field.role == "title":
            continue
        column, kind = quoted(field.name), physical[field.name]
        written = _as_text(column, kind)
        bad = f"nullif({written}, '') IS NOT NULL AND {_as_number(column, kind)} IS NULL"
        rows = f"SELECT row_number() OVER () - 1 AS place, {bad} AS bad, {written} AS value FROM {scan}"
        found = connection.execute(f"SELECT place, value FROM ({rows}) WHERE bad ORDER BY place LIMIT 1").fetchone()
        if found is not None:
            raise InputError(f"'{found[1]}' is not a number", path=file.path, line=file.line_of(int(found[0])), column=field.name)


def _parquet_header(path: Path) -> dict[str, Type | None]:
    try:
        with duckdb.connect() as connection:
            rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})").fetchall()
    except duckdb.Error as error:
        raise InputError(f"not a Parquet file that can be read: {str(error).splitlines()[0]}", path=path) from None
    return dict.fromkeys(row[0] for row in rows)


def _json_header(path: Path) -> dict[str, Type | None]:
    names: dict[str, Type | None] = {}
    for number, line in text.head(path, 1000).items():
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"not JSON: {error.msg}", path=path, line=number) from None
        if not isinstance(record, dict):
            raise InputError("each line should be an object with a value a column", path=path, line=number)
        names |= dict.fromkeys(record)
    return names


def _is_date(cell: str) -> bool:
    try:
        datetime.datetime.fromisoformat(cell.strip().replace("Z", "+00:00"))
    except ValueError:
        return False
    return len(cell.strip()) >= len("2000-01-01")
