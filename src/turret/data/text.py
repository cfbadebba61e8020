"""Text files line by line: their headers, the lines behind rows, and what is wrong with a file that the engine refuses.

The engine reads files fast and whole; this module reads them slowly and knows where it is. It runs for headers, and when there is something
to complain about.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from turret.core.errors import InputError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_LINE = 2_000_000
"""Bytes. Whoever writes a line that is longer can make any reader run out of memory."""
EXPANSION = 100
"""Times its size that a file may come to. Logs come to 3 to 30 times, rarely to 60."""
FREE = 100_000_000
"""Bytes that any file may come to, however small it is."""
COMPRESSED = (".gz", ".zst")
_PIECE = 1 << 20


def most(path: Path) -> int:
    """The bytes that a file may come to once it is unpacked; its size where it is plain text.

    Raises:
        InputError: there is no such file.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"cannot be read: {why(error)}", path=path) from None
    packed = path.suffix.lower() in (*COMPRESSED, ".parquet")
    return max(FREE, EXPANSION * size if packed else size)


def refuse_extremes(path: Path) -> None:
    """Refuses what no log is, and what the engine takes too long for or leaves out: a compressed file that comes to far more than its
    size, and a last line that is longer than its buffers.

    Raises:
        InputError: it is so, or the file is damaged.
    """
    bound, length, last, ended = most(path), 0, 0, True
    with _opened(path) as file:
        if path.suffix.lower() not in COMPRESSED:  # the end of it is all there is to be seen
            file.seek(_before_the_end(file))
        while piece := file.read(_PIECE):
            length += len(piece)
            if length > bound:
                message = f"unpacked, it comes to more than {bound:,} bytes, over {EXPANSION} times its size, as no log does"
                raise InputError(message, path=path, hint="If it is right, unpack it first: a file of plain text may have any size.")
            if filled := piece.rstrip(b"\r\n"):
                begin = filled.rfind(b"\n") + 1
                last = len(filled) - begin + (last if not begin and not ended else 0)
            ended = len(filled) < len(piece)
    if last > LONGEST_LINE:
        raise InputError(f"the last line is longer than {LONGEST_LINE:,} bytes", path=path)


def _before_the_end(file: BinaryIO) -> int:
    """A place from which the last line that is not blank can be read, or so much of it that it is too long."""
    start = file.seek(0, os.SEEK_END)
    filled = False
    while start and not filled:
        start = max(start - _PIECE, 0)
        file.seek(start)
        filled = bool(file.read(_PIECE).strip(b"\r\n"))
    return max(start - LONGEST_LINE - 1, 0)


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, plain or compressed, with their ends.

    Raises:
        InputError: it cannot be read, is damaged, or a line is longer than `LONGEST_LINE`.
    """
    with _opened(path) as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise InputError(f"the line is longer than {LONGEST_LINE:,} bytes", path=path, line=number)
            yield line


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked; what is wrong with it is an InputError."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    unpackers: dict[str, Callable[[Any], Any]] = {".gz": gzip.open, ".zst": zstd.open}
    unpacked = unpackers.get(path.suffix.lower(), nullcontext)
    try:
        with path.open("rb") as raw, unpacked(raw) as file:
            yield file
    except (OSError, EOFError, zlib.error, zstd.ZstdError) as error:
        raise InputError(f"cannot be read: {why(error)}", path=path) from None


def head(path: Path, n: int) -> dict[int, str]:
    """The first n lines that are not blank, without their ends, by their numbers, counted from 1.

    Raises:
        InputError: the file cannot be read, or has none.
    """
    found = dict(islice(((number, line) for number, line in enumerate(lines(path), start=1) if line.strip()), n))
    if not found:
        raise InputError("the file is empty", path=path)
    texts = {number: _decode(line.removeprefix(BYTE_ORDER_MARK), path, number) for number, line in found.items()}
    return {number: line.rstrip("\r\n") for number, line in texts.items()}


def cells(line: str, delimiter: str, *, quoted: bool, path: Path | None = None) -> list[str]:
    """The cells of a line, without its end.

    Raises:
        InputError: it cannot be divided; `path` is the file that is then named.
    """
    if not quoted:
        return line.split(delimiter)
    try:
        return next(_csv([line], delimiter, strict=False), [])
    except csv.Error as error:
        raise InputError(f"'{shortened(line)}' cannot be divided into cells: {error}", path=path) from None


def _csv(texts: Iterable[str], delimiter: str, *, strict: bool) -> Any:
    # Python's own bound is lower, and without one a quote that is never closed takes the rest of the file into memory.
    csv.field_size_limit(LONGEST_LINE)
    return csv.reader(texts, delimiter=delimiter, strict=strict)


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
    for count, (line, row) in enumerate(_records(path, delimiter, quoted=quoted)):
        if header and count == 0:
            continue
        if len(row) != len(columns):
            raise InputError(f"{len(row)} columns where {len(columns)} are expected", path=path, line=line)
        for (name, numeric), cell in zip(columns, row, strict=True):
            if numeric and cell and not _is_number(cell):
                raise InputError(f"'{shortened(cell)}' is not a number", path=path, line=line, column=name)
    raise InputError(f"cannot be read: {why(cause)}", path=path) from None


def explain_json(path: Path, cause: Exception) -> NoReturn:
    """Finds what is wrong with a file of JSON lines that the engine refused; raises InputError always."""
    for number, raw in enumerate(lines(path), start=1):
        if raw.strip():
            json_record(_decode(raw, path, number), path, number)
    raise InputError(f"cannot be read: {why(cause)}", path=path) from None


def json_record(line: str, path: Path, number: int) -> dict[str, Any]:
    """The object in a line of JSON.

    Raises:
        InputError: there is none, a name is in it twice, or it cannot be read; says why.
    """
    try:
        record = json.loads(line, object_pairs_hook=_each_once)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", path=path, line=number) from None
    except RecursionError:
        raise InputError("not JSON that can be read: values are nested too deeply", path=path, line=number) from None
    except ValueError as error:
        raise InputError(f"not JSON that can be read: {why(error)}", path=path, line=number) from None
    if not isinstance(record, dict):
        raise InputError("each line should be an object with a value a column", path=path, line=number)
    return record


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name '{shortened(next(name for name in names if names.count(name) > 1))}' is in an object twice")
    "".join(found).encode()  # refuses half of a surrogate pair
    return found


def json_line_of(path: Path, row: int) -> int | None:
    """The line, counted from 1, that holds a row, counted from 0, of a file of JSON lines."""
    filled = (number for number, raw in enumerate(lines(path), start=1) if raw.strip())
    return next(islice(filled, row, None), None)


def _records(path: Path, delimiter: str, *, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with its (last) line. All of them end in the same way."""
    yield from _quoted_records(path, delimiter) if quoted else _plain_records(path, delimiter)


def _plain_records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    ends = _Ends(path)
    for number, line in _decoded(path):
        ends.check(number, line)
        text = line.rstrip("\r\n")
        if "\r" in text or line.endswith("\r\r\n"):
            raise InputError("a carriage return inside the line", path=path, line=number)
        if text:
            yield number, text.split(delimiter)


def _quoted_records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    ends, latest = _Ends(path), [""]

    def texts() -> Iterator[str]:
        for _, latest[0] in _decoded(path):
            yield latest[0]

    reader = _csv(texts(), delimiter, strict=True)
    try:
        for row in reader:
            ends.check(reader.line_num, latest[0])
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(str(error), path=path, line=reader.line_num) from None


class _Ends:
    """Sees to it that all lines end in the same way, as the engine wants it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before: str | None = None

    def check(self, number: int, line: str) -> None:
        """Refuses a line that ends otherwise than those before; the last one need not end at all."""
        here = "CR LF" if line.endswith("\r\n") else "LF" if line.endswith("\n") else self._before
        if self._before is not None and here != self._before:
            raise InputError(f"the line ends in {here}, those before in {self._before}", path=self._path, line=number)
        self._before = here


def _decoded(path: Path) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(lines(path), start=1):
        yield number, _decode(raw.removeprefix(BYTE_ORDER_MARK) if number == 1 else raw, path, number)


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
    return text.isascii() and "_" not in text


def shortened(text: str) -> str:
    """A text as it may stand in a message."""
    return text if len(text) <= 60 else text[:57] + "..."


def why(error: Exception) -> str:
    """What went wrong, in a line and without the path, which is said beside it."""
    said = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), "") or type(error).__name__
    return said if len(said) <= 200 else said[:197] + "..."
