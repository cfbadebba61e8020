"""From a log of strings in no order to a dataset ready for training: what every project begins with."""

from __future__ import annotations

from pathlib import Path

from bench.peers.case import Alike, Case, Facts, Size, Target, Work
from bench.prepare_10m import make

BYTES = 4 + 4 + 8
"""Of a row as numbers: user, item, moment."""


def _write(size: Size, folder: Path) -> Facts:
    """`log/log.inter`: columns of user and item ids and of moments, with RecBole's header, which names types."""
    path = folder / "log" / "log.inter"
    path.parent.mkdir(exist_ok=True)
    make(path, size.words["rows"])
    return {"rows": size.words["rows"], "bytes": path.stat().st_size}


def _work(facts: Facts) -> Work:
    return Work(0, facts["bytes"] + facts["rows"] * BYTES, "the text read once, and 16 bytes a row written")


CASE = Case(
    name="prepare",
    title="A dataset from a log",
    measured="seconds from a log as text (duplicates, 5-core, numbers, order in time, leave one out) to the parts",
    sizes=(
        Size("100k", {"rows": 100_000}),
        Size("1M", {"rows": 1_000_000}, rounds=3),
        Size("10M", {"rows": 10_000_000}, rounds=3, once=("recbole",)),
    ),
    sides=("turret", "recbole", "pandas"),
    script="prepare",
    write=_write,
    work=_work,
    alike=tuple(Alike(name, 0.0, exact=True) for name in ("rows", "users", "items")),
    grows="rows",
    targets=(Target("10M", "recbole", 10.0, memory=10.0),),
)
