"""LightGCN: every step smooths all vectors over the whole graph, forth and back."""

from __future__ import annotations

from pathlib import Path

from bench.peers.case import Alike, Case, Facts, Size, Target, Work
from bench.peers.logs import write_log

WIDTH, LAYERS, BATCH = 64, 3, 2048


def _write(size: Size, folder: Path) -> Facts:
    facts = write_log(size, folder)
    return {**facts, "steps": -(-facts["rows"] // BATCH)}


def _work(facts: Facts) -> Work:
    numbers = (facts["users"] + facts["items"]) * WIDTH
    products = 2 * LAYERS  # of the whole graph, both its halves, forth and back
    operations = products * 2 * facts["rows"] * WIDTH * 2
    moved = products * (2 * numbers * 4 + 2 * facts["rows"] * 8) + 7 * numbers * 4
    return Work(
        facts["steps"] * operations,
        facts["steps"] * moved,
        "in each step three products with the graph forth and three back, a multiplication and an addition for each edge, direction and"
        " place of a vector; their vectors read and written once, 8 bytes an edge, and 7 passes of Adam",
    )


CASE = Case(
    name="lightgcn",
    title="LightGCN",
    measured="seconds of an epoch, the median of those after the first",
    sizes=(
        # 20 epochs, over which quality rises from that of popular items to near its best.
        Size("ml-100k", {"epochs": 20, "steps": None, "parts": 20}, rounds=3),
        # Some steps of an epoch, in parts.
        Size("gowalla", {"epochs": 1, "steps": 6, "parts": 5}, rounds=3),
        Size("1M", {"users": 50_000, "items": 40_000, "rows": 1_000_000, "epochs": 1, "steps": 6, "parts": 5}, rounds=3),
    ),
    sides=("turret", "recbole"),
    script="lightgcn",
    write=_write,
    work=_work,
    alike=(Alike("ndcg@10", 0.03),),
    grows="rows",
    targets=(Target("ml-100k", "recbole", 2.0), Target("gowalla", "recbole", 2.0), Target("1M", "recbole", 2.0)),
)
