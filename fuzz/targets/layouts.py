"""A folder: the names of its files, and what a YAML file beside them says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.target import Target
from turret.data.config import Source
from turret.data.layout import find, format_of


def once(data: bytes, folder: Path) -> None:
    """The first line has the names, the others are the YAML."""
    names, _, yaml = data.partition(b"\n")
    place = folder / "d"
    place.mkdir()
    for name in names.split(b"/")[:20]:
        if 0 < len(name) < 200 and b"\0" not in name and name not in (b".", b".."):
            (place / Path(name.decode("utf-8", "surrogateescape"))).write_bytes(b"x")
    (place / "dataset.yaml").write_bytes(yaml)
    layout = find(place, Source())
    for path in layout.files:
        format_of(path, layout.source)


def seeds() -> Iterator[bytes]:
    """Folders as they are published."""
    yield b"d.inter/d.item/d.user/d.kg/README.md\n"
    yield b"d.train.inter/d.valid.inter.gz/d.test.inter\ncolumns: {a: user, b: item:token}\nformat: csv\n"
    yield b"log.csv/more.csv.zst\nfiles: {inter: '*.csv', item: more.csv.zst}\ndelimiter: ';'\nheader: false\n"


TOKENS = (
    '"\\ud800"',
    "files:",
    "inter:",
    "columns:",
    "'**'",
    "'../*'",
    "'/'",
    ".train.inter",
    ".csv.gz",
    "!!python/object:os.system",
    "&a",
    "*a",
    "<<:",
    "? ",
)
TARGET = Target("a folder's names and its dataset.yaml, by layout.find", 1.5, once, seeds, TOKENS)
