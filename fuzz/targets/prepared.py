"""Prepared datasets: the manifest, and the arrays that it names."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fuzz.sealing import replace_file, rewrite
from fuzz.target import Target
from fuzz.targets.prepare import ITEMS, ROWS
from turret.data.config import DataConfig
from turret.data.prepare import prepare
from turret.data.store import MANIFEST, VERIFIED, open_prepared


def once(data: bytes, folder: Path) -> None:
    """After r or s a manifest, after any other byte the content of the array with that number."""
    place = folder / "prepared"
    shutil.copytree(made(), place)
    if data[:1] in (b"r", b"s"):
        rewrite(place / MANIFEST, data)
    else:
        names = sorted(json.loads((place / MANIFEST).read_bytes())["files"])
        replace_file(place / MANIFEST, names[(data or b"\0")[0] % len(names)], data[1:])
    open_prepared(place)


@cache
def made() -> Path:
    """A small prepared dataset with a log and items."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz."))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    place = folder / "d"
    place.mkdir()
    (place / "d.inter").write_bytes(ROWS)
    (place / "d.item").write_bytes(ITEMS)
    prepare(place, DataConfig(), folder / "cache", threads=1)
    found = next(path.parent for path in (folder / "cache").glob(f"*/{MANIFEST}"))
    (found / VERIFIED).unlink(missing_ok=True)
    return found


def seeds() -> Iterator[bytes]:
    """The manifest as it is, and each array."""
    manifest = (made() / MANIFEST).read_bytes()
    yield b"r" + manifest
    yield b"s" + manifest
    for number, name in enumerate(sorted(json.loads(manifest)["files"])[:5]):
        yield bytes([number]) + (made() / name).read_bytes()


TOKENS = (
    *(
        '"format": 3',
        '"files": ',
        '"bytes": ',
        '"sha256": ',
        '"../x"',
        '"kind": ',
        '"tokens"',
        '"numbers"',
        '"token sets"',
        "null",
        "-1",
        "1e999",
    ),
    *("\x93NUMPY", "'descr': '|O'", "'shape': (99999999999,)", "'fortran_order': True", "[[[[[["),
)
TARGET = Target("a folder, by store.open_prepared", 0.06, once, seeds, TOKENS)
