"""Small files that come to gigabytes, and values without end: refused before they fill memory, disk or time."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from fuzz.packing import gz, zst, zst_of_one

from turret.core.errors import InputError
from turret.data import text
from turret.data.config import Source
from turret.data.readers import Engine, FileTable, look_at

HEAD = b"user\titem\n"


def table(path: Path, **source: object) -> FileTable:
    return FileTable(Engine(path.parent, threads=1), "inter", {"": [path]}, Source(**source))


@contextmanager
def little_memory(most: int = 150 << 20) -> Iterator[None]:
    """Where the memory in use may not rise by more than `most` bytes at any time."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("reads what Linux says of the process")
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
    before = peak()
    yield
    assert peak() - before < most


def peak() -> int:
    """Bytes in use, at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def packed(head: bytes, piece: bytes, times: int) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return b"".join([packer.compress(head), *(packer.compress(piece) for _ in range(times)), packer.flush()])


@pytest.mark.parametrize("piece", [b"a", b"1\t2\n", b"\n"], ids=["one line", "rows", "blank lines"])
def test_a_gzip_file_that_comes_to_far_more_than_its_size(tmp_path: Path, piece: bytes) -> None:
    path = tmp_path / "log.tsv.gz"
    path.write_bytes(packed(HEAD, piece * ((1 << 22) // len(piece)), 30))
    with little_memory(), pytest.raises(InputError, match=r"comes to more than 100,000,000 bytes, over 100 times its size") as caught:
        table(path)
    assert caught.value.path == path and "unpack it first" in str(caught.value.hint)


@pytest.mark.parametrize("byte", [b"a", b"\n"])
def test_a_zstandard_file_that_comes_to_far_more_than_its_size(tmp_path: Path, byte: bytes) -> None:
    path = tmp_path / "log.tsv.zst"
    path.write_bytes(zst_of_one(byte, 20 << 30))
    with little_memory(), pytest.raises(InputError, match=r"comes to more than 100,000,000 bytes"):
        table(path)


def test_what_compresses_well_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.tsv.gz"
    path.write_bytes(gzip.compress(HEAD + b"1\t2\n" * 200_000))
    assert text.most(path) / path.stat().st_size > 500
    assert len(table(path)) == 200_000


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\n\r\n" + b"\n" * 3_000_000], ids=["without end", "with end", "blank lines"])
@pytest.mark.parametrize("length", [text.LONGEST_LINE + 1, 20 * text.LONGEST_LINE])
def test_a_line_that_is_too_long(tmp_path: Path, suffix: str, end: bytes, length: int) -> None:
    """A last line that is longer than its buffers the engine leaves out, and says nothing."""
    path = tmp_path / f"log.tsv{suffix}"
    content = HEAD + b"1\t2\n3\t" + b"a" * length + end
    path.write_bytes({"": lambda raw: raw, ".gz": gz, ".zst": zst}[suffix](content))
    with pytest.raises(InputError, match=r"line is longer than 2,000,000 bytes") as caught:
        table(path)
    assert caught.value.line in (3, None)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_long_lines_that_are_not_too_long(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"log.tsv{suffix}"
    content = HEAD + (b"1\t" + b"a" * (text.LONGEST_LINE - 10) + b"\n") * 3 + b"\n" * 1_500_000
    path.write_bytes({"": lambda raw: raw, ".gz": gz, ".zst": zst}[suffix](content))
    assert len(table(path)) == 3


def test_a_line_of_gigabytes_is_never_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "log.tsv.gz"
    path.write_bytes(packed(b"", b"a" * (1 << 22), 50))
    with little_memory(40 << 20), pytest.raises(InputError, match=r"line is longer"):
        next(text.lines(path))


def test_a_file_of_holes(tmp_path: Path) -> None:
    path = tmp_path / "log.tsv"
    with path.open("wb") as file:
        file.truncate(1 << 38)
    with little_memory(), pytest.raises(InputError, match=r"line is longer than 2,000,000 bytes"):
        table(path)


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b'user,item\n1,"' + b"a\n" * 1_500_000)
    with little_memory(), pytest.raises(InputError, match=r"field larger than field limit|line is longer|cannot be read"):
        table(path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"user": 1, "item": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deeply"),
        (b'{"user": 1, "item": ' + b'{"a":' * 200_000 + b"1" + b"}" * 200_001, "nested too deeply"),
        (b'{"user": 1, "item": "' + b"a" * 2_000_000 + b'"}', "longer than 2,000,000 bytes"),
        (b'{"user": 1, "item": ' + b"1" * 5000 + b"}", "4300 digits"),
    ],
)
@pytest.mark.parametrize("place", [0, 1500], ids=["first", "late"])
def test_json_without_end(tmp_path: Path, line: bytes, words: str, place: int) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"user": 1, "item": 2}\n' * place + line + b"\n")
    if place and len(line) < text.LONGEST_LINE:  # The engine can; they are texts like any other.
        assert len(table(path)) == place + 1
        return
    with little_memory(), pytest.raises(InputError, match=words) as caught:
        table(path)
    assert caught.value.line in (place + 1, None)


def test_a_parquet_file_that_says_it_has_more_rows_than_its_bytes_can_hold(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 1 AS user, 2 AS item FROM range(20_000_000)) TO '{path}' (ROW_GROUP_SIZE 20_000_000)")
    with little_memory(), pytest.raises(InputError, match=r"says that it has 20,000,000 rows, in [0-9,]+ bytes"):
        look_at(path, Source())


def test_a_parquet_file_whose_texts_are_far_longer_than_it(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT range AS user, repeat('x', 1_000_000) AS item FROM range(150)) TO '{path}' (COMPRESSION zstd)")
    assert path.stat().st_size < 1_000_000
    with pytest.raises(InputError, match="its texts come to more than 100,000,000 bytes"):
        table(path)


def test_the_disk_that_a_file_may_take_follows_from_its_size(tmp_path: Path) -> None:
    with Engine(tmp_path).reading({tmp_path / "a": 1000, tmp_path / "b": 500}) as connection:
        assert connection.execute("SELECT current_setting('max_temp_directory_size')").fetchall() == [("46.8 KiB",)]
