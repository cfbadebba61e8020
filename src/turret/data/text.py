"""Text files line by line: their headers, the lines behind rows, and what is wrong with a file that the engine refuses.

The engine reads files fast and whole; this module reads them slowly and knows where it is. It runs for headers, and when there is something
to complain about.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NoReturn

import duckdb

from turret.core.errors import InputError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_LINE = 2_000_000


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, plain or compressed, with their ends."""
    if path.suffix.lower() == ".zst":
        yield from _lines_of_zst(path)
        return
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        yield from file


def _lines_of_zst(path: Path) -> Iterator[bytes]:
    """Python learns to read zstandard in 3.14; the engine can, and Latin-1 carries every byte through it unchanged."""
    options = "auto_detect = false, header = false, delim = '\x01', quote = '', escape = '', encoding = 'latin-1'"
    with duckdb.connect() as connection:
        cursor = connection.execute(f"SELECT line FROM read_csv(?, columns = {{'line': 'VARCHAR'}}, {options})", [str(path)])
        while batch := cursor.fetchmany(10_000):
            yield from ((line or "").encode("latin-1") + b"\n" for (line,) in batch)


def head(path: Path, n: int) -> dict[int, str]:
    """The first n lines that are not blank, without their ends, by their numbers, counted from 1."""
    try:
        found = dict(islice(((number, line) for number, line in enumerate(lines(path), start=1) if line.strip()), n))
    except (OSError, EOFError, duckdb.Error) as error:
        raise InputError(f"cannot be read: {_why(error)}", path=path) from None
    if not found:
        raise InputError("the file is empty", path=path)
    texts = {number: _decode(line.removeprefix(BYTE_ORDER_MARK), path, number) for number, line in found.items()}
    return {number: line.rstrip("\r\n") for number, line in texts.items()}


def cells(line: str, delimiter: str, *, quoted: bool) -> list[str]:
    """The cells of a line."""
    return next(csv.reader([line], delimiter=delimiter), []) if quoted else line.split(delimiter)


def line_of(path: Path, row: int, delimiter: str, *, quoted: bool, header: bool) -> int | None:
    """The line, counted from 1, that holds a row, counted from 0: blank lines hold none."""
    wanted = row + header
    for count, (line, _) in enumerate(_records(path, delimiter, quoted=quoted)):
        if count == wanted:
            return line
    return None


def explain(path: Path, columns: Sequence[tuple[str, bool]], delimiter: str, *, quoted: bool, header: bool, cause: Exception) -> NoReturn:
    """Finds what is wrong with a delimited file that the engine refused.

    Args:
        path: the file.
        columns: for each column its name and whether it holds numbers.
        delimiter: between them.
        quoted: whether quotes group.
        header: whether the first line names the columns.
        cause: what the engine said.

    Raises:
        InputError: always, with line and column where the fault is found.
    """
    try:
        for count, (line, row) in enumerate(_records(path, delimiter, quoted=quoted)):
            if header and count == 0:
                continue
            if len(row) != len(columns):
                raise InputError(f"{len(row)} columns where {len(columns)} are expected", path=path, line=line)
            for (name, numeric), cell in zip(columns, row, strict=True):
                if numeric and cell and not _is_number(cell):
                    raise InputError(f"'{_shortened(cell)}' is not a number", path=path, line=line, column=name)
    except (OSError, EOFError, duckdb.Error) as error:
        raise InputError(f"cannot be read: {_why(error)}", path=path) from None
    raise InputError(f"cannot be read: {_first_line(cause)}", path=path) from None


def explain_json(path: Path, cause: Exception) -> NoReturn:
    """Finds what is wrong with a file of JSON lines that the engine refused; raises InputError always."""
    try:
        for number, raw in enumerate(lines(path), start=1):
            if not raw.strip():
                continue
            try:
                record = json.loads(_decode(raw, path, number))
            except json.JSONDecodeError as error:
                raise InputError(f"not JSON: {error.msg}", path=path, line=number) from None
            if not isinstance(record, dict):
                raise InputError("each line should be an object with a value a column", path=path, line=number)
    except (OSError, EOFError, duckdb.Error) as error:
        raise InputError(f"cannot be read: {_why(error)}", path=path) from None
    raise InputError(f"cannot be read: {_first_line(cause)}", path=path) from None


def json_line_of(path: Path, row: int) -> int | None:
    """The line, counted from 1, that holds a row, counted from 0, of a file of JSON lines."""
    filled = (number for number, raw in enumerate(lines(path), start=1) if raw.strip())
    return next(islice(filled, row, None), None)


def _records(path: Path, delimiter: str, *, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with its (last) line."""
    if not quoted:
        for number, line in _decoded(path, quoted=False):
            if text := line.rstrip("\r\n"):
                yield number, text.split(delimiter)
        return
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader((line for _, line in _decoded(path, quoted=True)), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(str(error), path=path, line=reader.line_num) from None


def _decoded(path: Path, *, quoted: bool) -> Iterator[tuple[int, str]]:
    ending: bytes | None = None
    for number, raw in enumerate(lines(path), start=1):
        if len(raw) > LONGEST_LINE:
            raise InputError(f"the line is longer than {LONGEST_LINE:,} bytes", path=path, line=number)
        here = b"\r\n" if raw.endswith(b"\r\n") else b"\n" if raw.endswith(b"\n") else ending
        if not quoted:
            if ending is not None and here != ending:
                raise InputError(f"the line ends in {_named(here)}, those before in {_named(ending)}", path=path, line=number)
            if b"\r" in raw.rstrip(b"\r\n") or raw.endswith(b"\r\r\n"):
                raise InputError("a carriage return inside the line", path=path, line=number)
        ending = here
        yield number, _decode(raw.removeprefix(BYTE_ORDER_MARK) if number == 1 else raw, path, number)


def _named(ending: bytes | None) -> str:
    return "CR LF" if ending == b"\r\n" else "LF"


def _decode(raw: bytes, path: Path, line: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte 0x{raw[error.start]:02x} at position {error.start + 1} of the line"
        raise InputError(message, path=path, line=line, hint="convert it first, for instance: iconv -f latin1 -t utf-8 FILE") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _why(error: Exception) -> str:
    """What went wrong, in a line and without the path, which is said beside it."""
    return getattr(error, "strerror", None) or str(error).splitlines()[0]
