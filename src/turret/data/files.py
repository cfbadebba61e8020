"""Files with a table each: how each is written, and what it says of itself before it is read."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import duckdb

from turret.core.errors import InputError
from turret.data import small_file, text
from turret.data.config import Source
from turret.data.engine import looking_at, place
from turret.data.layout import Format, format_of
from turret.data.schema import Field, Type, parse_header

NO_DELIMITERS = ('"', "\r", "\n", "\0")
FEW_ROWS = 10_000_000
"""Rows that any Parquet file may say it has, however small it is."""


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
            raise InputError(f"cannot be read: {text.why(cause)}", path=self.path) from None
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
    """Reads what a file says of itself.

    Raises:
        InputError: it cannot be read, or says too little; it is written as no honest log is.
    """
    if not small_file.is_file(path):
        raise InputError("there is no such file", path=path)
    kind = format_of(path, source)
    if kind == "parquet":
        if path.suffix.lower() in text.COMPRESSED:
            raise InputError("Parquet is compressed inside, not as a whole", path=path, hint="Unpack the file.")
        return File(path, kind, _parquet_header(path), source)
    text.refuse_extremes(path)
    if kind == "json":
        return File(path, kind, _json_header(path), source)
    bare = File(path, kind, {}, source)
    if bare.delimiter in NO_DELIMITERS:
        raise InputError(f"{bare.delimiter!r} cannot stand between columns", path=path, hint="--delimiter says what does.")
    numbered = text.head(path, 2)
    if source.header and 1 not in numbered:  # which the engine takes for the header, and the header for a row
        raise InputError("the first line is blank, and should be the header", path=path, line=1, hint="Delete the blank lines before it.")
    top = list(numbered.values())
    cells = text.cells(top[0], bare.delimiter, quoted=kind == "csv", path=path)
    if source.header:
        header = parse_header(cells, typed=kind == "atomic", path=str(path))
    else:
        header = dict.fromkeys(source.columns)
        if len(header) != len(cells):
            hint = "without a header line the columns setting names every column, in order"
            raise InputError(f"{len(cells)} columns, and {len(header)} names for them", path=path, line=1, hint=hint)
    first = text.cells(top[-1], bare.delimiter, quoted=kind == "csv", path=path)
    dated = {name for name, cell in zip(header, first, strict=False) if _is_date(cell)}
    return File(path, kind, header, source, frozenset(dated))


def _parquet_header(path: Path) -> dict[str, Type | None]:
    try:
        with looking_at(path) as connection:
            rows = connection.execute(f"SELECT num_rows FROM parquet_file_metadata({place(path)})").fetchall()[0][0]
            names = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({place(path)}, hive_partitioning = false)").fetchall()
    except duckdb.Error as error:
        raise InputError(f"not a Parquet file that can be read: {text.why(error)}", path=path) from None
    size = path.stat().st_size
    if rows > max(FEW_ROWS, text.EXPANSION * size):
        raise InputError(f"it says that it has {rows:,} rows, in {size:,} bytes, as no log has", path=path)
    return dict.fromkeys(row[0] for row in names)


def _json_header(path: Path) -> dict[str, Type | None]:
    names: dict[str, Type | None] = {}
    for number, line in text.head(path, 1000).items():
        names |= dict.fromkeys(text.json_record(line, path, number))
    return names


def _is_date(cell: str) -> bool:
    try:
        datetime.datetime.fromisoformat(cell.strip().replace("Z", "+00:00"))
    except ValueError:
        return False
    return len(cell.strip()) >= len("2000-01-01")
