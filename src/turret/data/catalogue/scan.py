"""Reads tables of many millions of rows a column at a time, with DuckDB, which holds them out of core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import duckdb
import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError, TurretError
from turret.core.interactions import IntArray
from turret.data import text
from turret.data.engine import Engine, literal, place, quoted
from turret.data.log import Mask
from turret.data.readers import CHUNK

Kind = Literal["number", "moment", "text"]
"""A whole number; a date or a moment, which becomes milliseconds since 1970 (UTC); anything. None of the first two may be missing."""
Order = Literal["first seen", "value"]

_STORED: dict[Kind, str] = {
    # Left alone, the engine rounds 1.5.
    "number": "CASE WHEN contains({0}, '.') THEN NULL ELSE TRY_CAST({0} AS BIGINT) END",
    "moment": "epoch_ms(TRY_CAST({0} AS TIMESTAMP))",
    "text": "coalesce({0}, '')",
}
_TYPE: dict[Kind, str] = {"number": "BIGINT", "moment": "BIGINT", "text": "VARCHAR"}
_SAID: dict[Kind, str] = {"number": "whole number", "moment": "time"}


@dataclass(frozen=True, slots=True)
class Delimited:
    """How a text table is written.

    Attributes:
        columns: those to read, by name, and what they hold.
        delimiter: between them.
        header: the names of all its columns, in order; None where its first line has them.
    """

    columns: Mapping[str, Kind]
    delimiter: str = ","
    header: tuple[str, ...] | None = None


@contextmanager
def scan(paths: Sequence[Path], form: Delimited, scratch: Path) -> Iterator[Scan]:
    """The rows of files of one form, one file after the other.

    Args:
        paths: where they are.
        form: how they are written.
        scratch: a folder for what does not fit into memory.

    Raises:
        InputError: a column is missing, a line has too many or too few cells, or a cell is not what its column holds.
        TurretError: neither memory nor the disk have room.
    """
    sizes = {path: text.most(path) for path in paths}
    with TemporaryDirectory(dir=scratch, prefix=".scan.") as folder, Engine(Path(folder)).reading(sizes) as connection:
        columns = ", ".join(f"{quoted(name)} {_TYPE[kind]}" for name, kind in form.columns.items())
        connection.execute(f"CREATE TABLE log ({columns})")
        try:
            yield Scan(connection, {path.name: _load(connection, path, form) for path in paths})
        except duckdb.OutOfMemoryException as error:
            raise TurretError(f"{paths[0]} does not fit into memory and the disk: {str(error).splitlines()[0]}") from None


class Scan:
    """Columns that were read.

    Attributes:
        rows: how many each file has, by its name.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, rows: Mapping[str, int]) -> None:
        self._connection, self.rows = connection, rows
        self._n = sum(rows.values())

    def numbers(self, column: str) -> IntArray:
        """int64 [n] a column of numbers or moments."""
        return self._fetched(quoted(column), np.int64)

    def equal(self, column: str, value: str) -> Mask:
        """bool [n]: where a column of text holds this."""
        return self._fetched(f"{quoted(column)} = {literal(value)}", np.bool_)

    def codes(self, column: str, order: Order) -> tuple[IntArray, npt.NDArray[Any]]:
        """int32 [n] a column as numbers from 0 in the order of its values, or in that of their first rows; and these values."""
        name, key = quoted(column), {"first seen": "min(rowid)", "value": quoted(column)}[order]
        self._connection.execute(
            f"CREATE TABLE vocabulary AS SELECT {name} AS value, (row_number() OVER (ORDER BY {key}) - 1)::INTEGER AS code "
            f"FROM log GROUP BY {name}"
        )
        codes = np.empty(self._n, dtype=np.int32)
        for start in range(0, self._n, CHUNK):
            # A join returns its rows in any order, so each brings the place it belongs to.
            found = self._connection.execute(
                f"SELECT log.rowid AS place, code FROM log JOIN vocabulary ON log.{name} = value "
                f"WHERE log.rowid >= {start} AND log.rowid < {start + CHUNK}"
            ).fetchnumpy()
            codes[found["place"]] = found["code"]
        values = self._connection.execute("SELECT value FROM vocabulary ORDER BY code").fetchnumpy()["value"]
        self._connection.execute("DROP TABLE vocabulary")
        return codes, np.asarray(values)

    def _fetched(self, expression: str, kind: type[np.generic]) -> npt.NDArray[Any]:
        """[n] A plain scan keeps the order of the rows."""
        values = np.empty(self._n, dtype=kind)
        for start in range(0, self._n, CHUNK):
            part = f"SELECT {expression} AS x FROM log WHERE rowid >= {start} AND rowid < {start + CHUNK}"
            found = self._connection.execute(part).fetchnumpy()["x"]
            values[start : start + len(found)] = found
        return values


def _load(connection: duckdb.DuckDBPyConnection, path: Path, form: Delimited) -> int:
    """Appends a file's rows to the table `log`, and says how many."""
    names = form.header or _first_line(path, form)
    cells = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names) + "}"
    source = (
        f"read_csv({place(path)}, columns = {cells}, auto_detect = false, header = {str(form.header is None).lower()}, "
        f"delim = {literal(form.delimiter)}, quote = '\"', escape = '\"', max_line_size = {text.LONGEST_LINE})"
    )
    stored = {name: _STORED[kind].format(quoted(name)) for name, kind in form.columns.items()}
    try:
        before = _asked(connection, "SELECT count(*) FROM log")
        rows = _asked(connection, f"INSERT INTO log SELECT {', '.join(stored.values())} FROM {source}")
        for name, expression in stored.items():
            row = _asked(connection, f"SELECT min(rowid) FROM log WHERE rowid >= {before} AND {quoted(name)} IS NULL")
            if row is not None:
                cell = _asked(connection, f"SELECT coalesce({quoted(name)}, '') FROM {source} WHERE {expression} IS NULL LIMIT 1")
                line = text.line_of(path, row - before, form.delimiter, quoted=True, header=form.header is None)
                raise InputError(f"{cell!r} is no {_SAID[form.columns[name]]}", path=path, line=line, column=name)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        columns = [(name, False) for name in names]
        text.explain(path, columns, form.delimiter, quoted=True, header=form.header is None, cause=error)
    if not rows:
        raise InputError("no rows", path=path, hint="The file is incomplete. Fetch it again.")
    return int(rows)


def _asked(connection: duckdb.DuckDBPyConnection, question: str) -> Any:
    """The one value that answers."""
    return connection.execute(question).fetchall()[0][0]


def _first_line(path: Path, form: Delimited) -> list[str]:
    line, content = next(iter(text.head(path, 1).items()))
    names = [name.strip() for name in text.cells(content, form.delimiter, quoted=True)]
    for column in form.columns:
        if column not in names:
            raise InputError(f"there is no such column among {', '.join(names)}", path=path, line=line, column=column)
    return names
