"""The command line's grammar, and the configs that its words fill."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fuzz.target import Target
from turret.api.job import SUBJECT, sections
from turret.api.options import Option, Section, flatten
from turret.cli.arguments import canonical, is_name, parse, value_of

MODELS = ("bpr", "ease", "deepfm", "gru4rec")
POSITIONAL = ("model", "dataset")


def once(data: bytes, folder: Path) -> None:
    """The first byte chooses the model; the words are the lines."""
    groups, options = _known(MODELS[(data or b"\0")[0] & 3])
    words = data[1:].decode("utf-8", "surrogateescape").split("\n")
    value_of("config", words)
    settings = parse(words, options, POSITIONAL)
    assert all(is_name(word) for word in words if canonical(word) in options and word.startswith("--"))
    for section in groups:
        section.build(settings)


@cache
def _known(model: str) -> tuple[tuple[Section[Any], ...], dict[str, Option]]:
    groups = tuple(section for section in sections(model) if section is not SUBJECT)
    return groups, flatten((SUBJECT, *groups))


def seeds() -> Iterator[bytes]:
    """Command lines with every kind of option."""
    yield b"\x00bpr\nml-100k\n--learning_rate\n0.01\n--cutoff\n5\n10\n--seed=3"
    yield b"\x02-m\ndeepfm\n-d\nlog.csv\n--columns\na=user,b=item:token\n--features=C1.min_count=10,*.width=8\n--no-header"
    yield b"\x03--layers\n100,100\n--split_ratio\n0.8,0.1,0.1\n--repeat_consumption\n--min_time\n-5\n--run_dir\nnone"


TOKENS = (
    '"\\ud800"',
    *("--learning_rate", "--cutoff", "--columns", "--features", "--split_time", "--no-", "--seed=", "-k", "--", "=", ",", ":", "\n"),
    *("none", "true", "1e400", "nan", "-1", "9" * 50, "*.buckets=1:2", "--val_metrics", "--slices", "--stop_on", "auc=1", "--device"),
)
TARGET = Target("words, by arguments.parse and Section.build", 6, once, seeds, TOKENS)
