"""The nearest neighbours of items by cosine: what costs is to count the users of every two items that share any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.peers.case import Alike, Case, Facts, Size, Target, Work
from bench.peers.logs import write_log

NEIGHBOURS = 100


def _words(users: int, items: int, rows: int) -> dict[str, Any]:
    """Rows are drawn, of which some are equal and a tenth is held out."""
    return {"users": users, "items": items, "rows": rows, "neighbours": NEIGHBOURS}


def _write(size: Size, folder: Path) -> Facts:
    facts = write_log(size, folder)
    taken = np.bincount(np.load(folder / "train_user.npy"))
    return {**facts, "shared": int((taken * (taken - 1) // 2).sum())}


def _work(facts: Facts) -> Work:
    return Work(
        facts["shared"],
        2 * 4 * facts["rows"] + 8 * NEIGHBOURS * facts["items"],
        "an addition for every two items of every user; every pair read by user and by item, and the neighbours written",
    )


CASE = Case(
    name="itemknn",
    title="ItemKNN",
    measured="seconds of a fit",
    sizes=(
        Size("500k", _words(20_000, 8_000, 620_000)),
        Size("1.6M", _words(40_000, 12_000, 2_030_000), sides=("turret", "implicit")),
        Size("5M", _words(100_000, 20_000, 6_150_000), rounds=3, sides=("turret", "implicit")),
    ),
    sides=("turret", "implicit", "recbole"),
    script="itemknn",
    write=_write,
    work=_work,
    alike=(Alike("ndcg@10", 0.01),),
    grows="rows",
    targets=(Target("5M", "implicit", 1.3),),
)
