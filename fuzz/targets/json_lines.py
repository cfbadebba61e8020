"""Files of JSON lines as Python reads them: their columns, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.target import Target
from turret.data import text
from turret.data.config import Source
from turret.data.readers import look_at


def once(data: bytes, folder: Path) -> None:
    """The whole input is the file."""
    path = folder / "log.jsonl"
    path.write_bytes(data)
    header = look_at(path, Source()).header
    "".join(header).encode()
    text.json_line_of(path, 1)
    text.explain_json(path, ValueError("what the engine said"))


def seeds() -> Iterator[bytes]:
    """Logs with four columns."""
    yield b'{"user": 1, "item": "a", "rating": 3.5, "tags": ["x", "y"]}\n{"user": 2, "item": null, "time": "2020-01-01T00:00:00Z"}\n'
    yield b'{"user": "\\u00e9\\ud83d\\ude00", "item": {"a": [1, [2, [3]]]}}\n\n{}\n'


TOKENS = ('{"user": ', '"item"', "\\ud800", "\\u0000", "[[[[[[[[", "]]]]]]]]", "1e999", "NaN", "-Infinity", "null", "1" * 60, '{"a":', "}")
TARGET = Target("a file, by look_at and text.explain_json", 8, once, seeds, TOKENS)
