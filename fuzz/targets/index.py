"""Indices: the manifest, and the parts that it names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from fuzz.sealing import replace_file, rewrite
from fuzz.target import Target
from turret.index import files

ABOUT = {"kind": "exact", "metric": "inner_product", "items": 3, "width": 2}


def once(data: bytes, folder: Path) -> None:
    """After r or s a manifest, after a the part that it names."""
    _write(folder)
    if data[:1] == b"a":
        name = next(path.name for path in folder.glob("*.npy"))
        replace_file(folder / files.MANIFEST, name, data[1:])
    else:
        rewrite(folder / files.MANIFEST, data)
    found = files.read(folder, "exact")
    found.array("vectors.npy")


def _write(folder: Path) -> None:
    files.write(folder, ABOUT, {"vectors.npy": files.array(np.ones((3, 2), dtype=np.float32))})


@cache
def _manifest() -> bytes:
    with TemporaryDirectory() as folder:
        _write(Path(folder))
        return (Path(folder) / files.MANIFEST).read_bytes()


def seeds() -> Iterator[bytes]:
    """The manifest as it was written."""
    yield b"r" + _manifest()
    yield b"s" + _manifest()
    with TemporaryDirectory() as folder:
        _write(Path(folder))
        yield b"a" + next(Path(folder).glob("*.npy")).read_bytes()


TOKENS = (
    "'descr': '|O'",
    "(99999999999,)",
    '"format": ',
    '"files": ',
    '"file": ',
    '"bytes": ',
    '"sha256": ',
    '"../x"',
    '"kind": ',
    '"exact"',
    "null",
    "-1",
    "1e999",
    "[[[[[[",
    "\\ud800",
)
TARGET = Target("a folder, by index.files.read and Folder.array", 1, once, seeds, TOKENS)
