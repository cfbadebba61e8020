"""A log with its side table and the settings beside it, all the way to a prepared dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.target import Target
from turret.data.config import Cleaning, DataConfig, Split
from turret.data.prepare import prepare

MODES = ("user_entry", "entry", "user", "leave_one_out", "time", "count")
LOG = b"user_id:token\titem_id:token\trating:float\ttimestamp:float\tplace:token\n"
ROWS = LOG + b"".join(b"u%d\ti%d\t%d\t%d\tp%d\n" % (row % 5, row % 7, row % 5, row, row % 3) for row in range(40))
ITEMS = b"item_id:token\tmovie_title:token\tgenre:token_seq\n" + b"".join(b"i%d\tname %d\ta b\n" % (row, row) for row in range(7))
DIVIDER = b"\n----\n"


def once(data: bytes, folder: Path) -> None:
    """The first byte chooses the split; then come log, items and YAML, divided by a line of dashes."""
    how, content = (data or b"\0")[0], data[1:]
    log, items, yaml = (*content.split(DIVIDER, 2), b"", b"")[:3]
    place = folder / "d"
    place.mkdir()
    (place / "d.inter").write_bytes(log)
    for name, text in (("d.item", items), ("dataset.yaml", yaml)):
        if text:
            (place / name).write_bytes(text)
    split = Split(split_mode=MODES[how % 6], split_count=(3, 3), split_order="time" if how & 64 else "random")
    prepared = prepare(
        place, DataConfig(cleaning=Cleaning(min_user_count=how >> 7), split=split), folder / "cache", memory="200MB", threads=1
    )
    assert sum(len(part.interactions) for part in prepared.parts.values()) <= log.count(b"\n") + 1


def seeds() -> Iterator[bytes]:
    """A small log, alone and with company."""
    yield b"\x00" + ROWS
    yield b"\x04" + ROWS + DIVIDER + ITEMS
    yield b"\x03" + ROWS + DIVIDER + ITEMS + DIVIDER + b"columns: {place: token}\n"


TARGET = Target(
    "a folder with a log, by prepare", 0.02, once, seeds, ("\t", ":float", "nan", "1e39", "-1", "token_seq", "columns: {", "label")
)
