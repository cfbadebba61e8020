"""YAML files as such: nodes, and the plain values behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.target import Target
from turret.data import bounded_yaml


def once(data: bytes, folder: Path) -> None:
    """The whole input is the file."""
    path = folder / "a.yaml"
    path.write_bytes(data)
    node = bounded_yaml.compose(path)
    if node is not None:
        str(bounded_yaml.value(node, path))


def seeds() -> Iterator[bytes]:
    """Every kind of value."""
    yield b"a: 1\nb: [1.5, .inf, 0x1F, 0b11, 0o7, 1_000, 1:30]\nc: {d: yes, e: ~, f: 2020-01-01, g: 2020-01-01T00:00:00Z}\n"
    yield b"a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\nf: |\n  text\n  more\ng: >-\n  folded\n"
    yield b"%YAML 1.1\n---\n? a\n: 'it''s'\n\"b\\u00e9\": \"\\x41\"\n...\n"
    yield b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"


TOKENS = (
    '"\\ud800"',
    *("&a ", "*a", "<<: ", "? ", "!!int ", "!!python/object:os.system ", "!!timestamp ", "!!binary ", "!<x> ", "%TAG ! x", "--- ", "...\n"),
    *("[[[[[[", "{a: ", "]", "}", "'", '"', "| ", ">-", "- ", ": ", "0b", "0x_", "1:60", "2020-02-31", "+99:99", "=", ".nan", "9" * 50),
)
TARGET = Target("a file, by bounded_yaml.compose and value", 5, once, seeds, TOKENS)
