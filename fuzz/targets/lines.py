"""Text files line by line: the first lines, the line of a row, and what is wrong where the engine refuses the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.packing import gz
from fuzz.target import Target, WrongError
from turret.core.errors import InputError
from turret.data import text

COLUMNS = (("user", False), ("item", False), ("rating", True))


def once(data: bytes, folder: Path) -> None:
    """The first byte chooses how the file is written."""
    how, content = (data or b"\0")[0], data[1:]
    path = folder / ("log.gz" if how & 1 else "log")
    path.write_bytes(gz(content) if how & 1 else content)
    text.refuse_extremes(path)
    quoted, delimiter = bool(how & 2), "\t,"[how >> 2 & 1]
    top = text.head(path, 2)
    if not all(text.cells(line, delimiter, quoted=quoted) for line in top.values() if not quoted):
        raise WrongError("a line without cells")
    text.line_of(path, how >> 4, delimiter, quoted=quoted, header=bool(how & 8))
    try:
        text.explain(path, COLUMNS, delimiter, quoted=quoted, header=bool(how & 8), cause=ValueError(""))
    except InputError as error:
        if error.line is not None and not 1 <= error.line <= content.count(b"\n") + content.count(b"\r") + 1:
            raise WrongError(f"line {error.line} is said to be wrong") from None


def seeds() -> Iterator[bytes]:
    """Logs with three columns."""
    yield b"\x08user\titem\trating\n1\t2\t3.5\n4\t5\t-1e3\n"
    yield b'\x0euser,item,rating\r\n1,"a,b",3\r\n\r\n2,"c""d\ne",4\r\n'
    yield b"\x09\xef\xbb\xbfuser\titem\trating\n\n\n1\t2\tnan\n"


TARGET = Target(
    "a plain or packed file, by text.head, line_of and explain",
    9,
    once,
    seeds,
    ('"', "\r\n", "\n\n", "\t", ",", "\0", "1e999", "\ufeff"),
)
