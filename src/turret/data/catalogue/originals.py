"""Reads original files: plain, gzipped, in zip and tar archives, line by line and never more than a bounded amount.

Nothing is ever unpacked onto the disk, so no name inside an archive can lead anywhere.
"""

from __future__ import annotations

import ast
import csv
import gzip
import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from turret.core.errors import InputError

MOST_UNPACKED = 100
"""A file may grow by this factor when it is unpacked (text grows by ten or so), ..."""
ALWAYS_UNPACKED = 64 << 20
"""... and may always grow to this many bytes."""
BROKEN = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)


class Originals:
    """The original files of a dataset.

    Args:
        paths: where each is, by its name.

    All readers raise InputError, with file and line, for what is damaged, badly encoded or not of the expected form.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = dict(paths)

    def __contains__(self, file: str) -> bool:
        return file in self._paths

    def path(self, file: str) -> Path:
        """Where a file is, for what reads it by itself."""
        return self._paths[file]

    def lines(self, file: str, member: str | None = None, encoding: str = "utf-8") -> Iterator[str]:
        """The lines of a file, or of a member of an archive, without their ends."""
        path = self._paths[file]
        with _opened(path, member) as raw:
            bounded = _Bounded(raw, max(ALWAYS_UNPACKED, MOST_UNPACKED * path.stat().st_size), path)
            number = 0
            try:
                for line in io.BufferedReader(bounded, 1 << 18):
                    number += 1
                    yield line.rstrip(b"\r\n").decode(encoding)
            except UnicodeDecodeError as error:
                raise InputError(f"not {encoding} text: {error.reason}", path=_place(path, member), line=number) from None
            except BROKEN as error:
                raise InputError(f"damaged: {error}", path=path, hint="Delete it and fetch it again.") from None

    def rows(self, file: str, member: str | None, separator: str, width: int, encoding: str = "utf-8") -> Iterator[list[str]]:
        """The rows of a text file in which `separator` parts exactly `width` cells and nothing is quoted."""
        for number, line in enumerate(self.lines(file, member, encoding), start=1):
            cells = line.split(separator)
            if len(cells) != width:
                message = f"{len(cells)} cells where {width} are expected"
                raise InputError(message, path=_place(self._paths[file], member), line=number)
            yield cells

    def table(
        self, file: str, member: str | None, columns: Sequence[str], delimiter: str = ",", encoding: str = "utf-8"
    ) -> Iterator[list[str]]:
        """Some columns, by their names in the first line, of a text file with quotes where it needs them (or none, if tabs part it)."""
        path = self._paths[file]
        lines = self.lines(file, member, encoding)
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL)
        header = [name.strip() for name in next(reader, [])]
        for column in columns:
            if column not in header:
                raise InputError(f"there is no such column among {', '.join(header)}", path=_place(path, member), line=1, column=column)
        places = [header.index(column) for column in columns]
        for cells in reader:
            if len(cells) != len(header):
                message = f"{len(cells)} cells where the header has {len(header)}"
                raise InputError(message, path=_place(path, member), line=reader.line_num)
            yield [cells[place] for place in places]

    def objects(self, file: str, member: str | None = None, *, python: bool = False) -> Iterator[dict[str, Any]]:
        """One object a line: JSON, or with `python` the literal of a dict."""
        parse: Callable[[str], Any] = ast.literal_eval if python else json.loads
        for number, line in enumerate(self.lines(file, member), start=1):
            try:
                value = parse(line)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                value = None
            if not isinstance(value, dict):
                raise InputError("not an object", path=_place(self._paths[file], member), line=number)
            yield value

    def needed(self, value: Mapping[str, Any], key: str, file: str) -> Any:
        """What an object of `objects` holds under `key`."""
        if value.get(key) in (None, ""):
            raise InputError(f"an object without {key!r}: {str(value)[:80]}", path=self._paths[file])
        return value[key]


class _Bounded(io.RawIOBase):
    """Passes bytes on until there are too many of them."""

    def __init__(self, raw: IO[bytes], limit: int, path: Path) -> None:
        self._raw, self._left, self._path = raw, limit, path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise InputError("unpacks to far more than such a file should hold", path=self._path, hint="It is not what it claims to be.")
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    """The bytes of a file, or of the member of an archive whose path ends in `member`."""
    try:
        if member is None:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as raw:
                yield raw  # type: ignore[misc]
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                found = next((info for info in archive.infolist() if _ends(info.filename, member) and not info.is_dir()), None)
                with archive.open(_there(found, path, member)) as raw:
                    yield raw
        else:
            with tarfile.open(path, "r:*") as tar:
                entry = next((info for info in tar if _ends(info.name, member) and info.isfile()), None)
                stream = tar.extractfile(_there(entry, path, member))
                assert stream is not None  # it is a file
                yield stream
    except BROKEN as error:
        raise InputError(f"damaged: {error}", path=path, hint="Delete it and fetch it again.") from None


def _ends(name: str, member: str) -> bool:
    return f"/{name}".endswith(f"/{member}")


def _there(found: Any, path: Path, member: str) -> Any:
    if found is None:
        raise InputError(f"there is no {member} in it", path=path, hint="Is it the right file, of the right version?")
    return found


def _place(path: Path, member: str | None) -> str:
    return str(path) if member is None else f"{path}:{member}"
