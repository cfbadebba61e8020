"""Datasets that a YAML file describes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.target import Target
from turret.api.dataset_file import located


def once(data: bytes, folder: Path) -> None:
    """The whole input is the file; a log lies beside it."""
    (folder / "log.csv").write_bytes(b"user,item\n1,2\n")
    path = folder / "mine.yaml"
    path.write_bytes(data)
    located(path, folder, say=lambda _: None)


def seeds() -> Iterator[bytes]:
    """Files with every section."""
    yield b"path: log.csv\n"
    yield b"path: log.csv\nsource:\n  columns: {user: user, item: item:token}\n  delimiter: ';'\nsplit: {split_mode: entry}\n"
    yield b"path: log.csv\ncleaning: {min_user_count: 2, max_time: 1e9}\nfeatures:\n  '*': {min_count: 2}\n  place: {pretrained: a.npy}\n"


TOKENS = (
    '"\\ud800"',
    "path: ",
    "source:",
    "split:",
    "cleaning:",
    "features:",
    "columns:",
    "split_ratio: [0.8, 0.1, 0.1]",
    "split_mode: ",
    "buckets: ",
    "&a ",
    "*a",
)
TARGET = Target("a YAML file, by dataset_file.located", 1, once, seeds, TOKENS)
