"""Reads original files: plain, gzipped, in zip and tar archives, line by line and never more than a bounded amount.

Nothing is ever unpacked onto the disk, so no name inside an archive can lead anywhere: a name is what a member is found by, and no more.
"""

from __future__ import annotations

import ast
import csv
import gzip
import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from turret.core.errors import InputError

MOST_UNPACKED = 100
"""A file may grow by this factor when it is unpacked (text grows by ten or so), ..."""
ALWAYS_UNPACKED = 64 << 20
"""... and may always grow to this many bytes."""
LONGEST_LINE = 16 << 20
"""Bytes of the longest line that is read: far more than a line of any of the datasets has."""
LONGEST_LITERAL = 1 << 20
"""Bytes of the longest line that is read as a Python literal, whose tree takes some three hundred times its size."""
AT_ONCE = 1 << 20
"""Bytes that an archive's own tables may ask for at once, whatever they claim to need."""
MOST_MEMBERS = 10_000
"""Members of a tar archive that are looked at."""
NOT_THAT = "It is not what it claims to be."
GZIP = b"\x1f\x8b"
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How members of zip archives may be packed: the other ways take as much memory as they say that they need."""
BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, struct.error, EOFError),
    *(RuntimeError, ValueError, OverflowError),  # as Python has it of what is encrypted, of unknown versions, and of impossible numbers
)


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
            reader = io.BufferedReader(_Bounded(raw, path), 1 << 18)
            number = 0
            try:
                for line in iter(partial(reader.readline, LONGEST_LINE + 1), b""):
                    number += 1
                    if len(line) > LONGEST_LINE:
                        raise InputError(f"a line of more than {LONGEST_LINE:,} bytes", path=_place(path, member), line=number)
                    yield line.rstrip(b"\r\n").decode(encoding)
            except UnicodeDecodeError as error:
                raise InputError(f"not {encoding} text: {error.reason}", path=_place(path, member), line=number) from None

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
        records = _records(reader, _place(path, member))
        header = [name.strip() for name in next(records, [])]
        for column in columns:
            if column not in header:
                raise InputError(f"there is no such column among {', '.join(header)}", path=_place(path, member), line=1, column=column)
        places = [header.index(column) for column in columns]
        for cells in records:
            if len(cells) != len(header):
                message = f"{len(cells)} cells where the header has {len(header)}"
                raise InputError(message, path=_place(path, member), line=reader.line_num)
            yield [cells[place] for place in places]

    def objects(self, file: str, member: str | None = None, *, python: bool = False) -> Iterator[dict[str, Any]]:
        """One object a line: JSON, or with `python` the literal of a dict."""
        parse: Callable[[str], Any] = ast.literal_eval if python else json.loads
        for number, line in enumerate(self.lines(file, member), start=1):
            try:
                value = None if python and len(line) > LONGEST_LITERAL else parse(line)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
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
    """Passes bytes on until there are too many of them, also of those that are skipped."""

    def __init__(self, raw: IO[bytes], path: Path) -> None:
        self._raw, self._path, self._at = raw, path, 0
        self._limit = max(ALWAYS_UNPACKED, MOST_UNPACKED * path.stat().st_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer))
        self._goes_to(self._at + len(data))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= AT_ONCE:
            raise InputError(f"asks for {size:,} bytes at once", path=self._path, hint=NOT_THAT)
        return super().read(size) or b""

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        assert whence == io.SEEK_SET
        self._goes_to(place)
        return self._raw.seek(place)

    def tell(self) -> int:
        return self._at

    def _goes_to(self, place: int) -> None:
        if place > self._limit:
            raise InputError("unpacks to far more than such a file should hold", path=self._path, hint=NOT_THAT)
        self._at = place


def _records(reader: Iterable[list[str]], place: str) -> Iterator[list[str]]:
    """What a reader of delimited text gives."""
    try:
        yield from reader
    except csv.Error as error:
        raise InputError(f"not delimited text: {error}", path=place, line=getattr(reader, "line_num", None)) from None


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    """The bytes of a file, or of the member of an archive whose path ends in `member`: the first, if there are several."""
    try:
        if member is None:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as raw:
                yield raw  # type: ignore[misc]
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_in_zip(archive, path, member)) as raw:
                yield raw
        else:
            with path.open("rb") as file, _unzipped(file) as plain, tarfile.open(fileobj=_Bounded(plain, path), mode="r:") as tar:
                stream = tar.extractfile(_in_tar(tar, path, member))
                assert stream is not None  # it is a file
                yield stream
    except BROKEN as error:
        raise InputError(f"damaged: {error}", path=path, hint="Delete it and fetch it again.") from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=path) from None


def _unzipped(file: io.BufferedReader) -> IO[bytes]:
    return gzip.GzipFile(fileobj=file) if file.peek(len(GZIP)).startswith(GZIP) else file  # type: ignore[return-value]


def _in_zip(archive: zipfile.ZipFile, path: Path, member: str) -> zipfile.ZipInfo:
    found = next((info for info in archive.infolist() if _ends(info.filename, member) and not info.is_dir()), None)
    if found is None:
        raise _absent(path, member)
    if found.compress_type not in PLAIN:
        raise InputError(f"{member} is packed in a way that is not read", path=path, hint="Deflate is.")
    return found


def _in_tar(tar: tarfile.TarFile, path: Path, member: str) -> tarfile.TarInfo:
    for number, info in enumerate(tar):
        if number == MOST_MEMBERS:
            raise InputError(f"has more than {MOST_MEMBERS:,} members", path=path, hint=NOT_THAT)
        if _ends(info.name, member) and info.isfile():
            return info
    raise _absent(path, member)


def _ends(name: str, member: str) -> bool:
    return f"/{name}".endswith(f"/{member}")


def _absent(path: Path, member: str) -> InputError:
    return InputError(f"there is no {member} in it", path=path, hint="Is it the right file, of the right version?")


def _place(path: Path, member: str | None) -> str:
    return str(path) if member is None else f"{path}:{member}"
