"""Damaged gzip and zstandard files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.packing import gz, zst, zst_of_one
from fuzz.target import Target
from fuzz.targets.tables import read_all
from turret.data import text
from turret.data.config import Source
from turret.data.readers import Engine, FileTable, look_at

LOG = b"user\titem\trating\n" + b"1\t2\t3\n" * 50


def once(data: bytes, folder: Path) -> None:
    """The first byte chooses the suffix."""
    path = folder / ("log.tsv.zst" if data[:1] == b"z" else "log.tsv.gz")
    path.write_bytes(data[1:])
    look_at(path, Source())
    for _ in text.lines(path):
        pass
    read_all(FileTable(Engine(folder, "200MB", 1), "inter", {"": [path]}, Source()))


def seeds() -> Iterator[bytes]:
    """Logs, packed."""
    yield b"g" + gz(LOG)
    yield b"g" + gz(LOG) + gz(LOG)
    yield b"z" + zst(LOG)
    yield b"z" + zst(LOG) + zst_of_one(b"\n", 1000)


TARGET = Target("a .gz or .zst, by look_at, text.lines and FileTable", 0.1, once, seeds, ("\x1f", "(\u00b5/"))
