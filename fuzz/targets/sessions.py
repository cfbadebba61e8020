"""Logs of sessions as `turret gru4rec run` reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.target import Target
from turret.data import sessions


def once(data: bytes, folder: Path) -> None:
    """The first byte chooses how the file is written."""
    path = folder / f"log{('.tsv', '.csv', '.jsonl', '.dat')[(data or b'-')[0] & 3]}"
    path.write_bytes(data[1:])
    rows = sessions.read(path)
    assert len(rows.log) == len(rows)


def seeds() -> Iterator[bytes]:
    """Small logs."""
    yield b"\x00SessionId\tItemId\tTime\n1\ta\t1.5\n1\tb\t2\n02\ta\t3\n"
    yield b"\x01SessionId,ItemId,Time\n-1.50,a,2020-01-01 00:00:00\n7,b,2020-01-02 00:00:00\n"
    yield b'\x02{"SessionId": 1, "ItemId": 2, "Time": 3}\n'


TARGET = Target("a file, by sessions.read", 0.05, once, seeds, ("SessionId", "ItemId", "Time", "\t", "0" * 30, "1e9", "-", ".5"))
