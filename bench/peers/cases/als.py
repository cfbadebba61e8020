"""Alternating least squares for implicit feedback: what costs is a few steps of conjugate gradients for every user and every item."""

from __future__ import annotations

from typing import Any

from bench.peers.case import Alike, Case, Facts, Size, Target, Work
from bench.peers.logs import write_log

WIDTH, STEPS = 64, 3


def _words(users: int, items: int, rows: int) -> dict[str, Any]:
    """Rows are drawn, of which some are equal and a tenth is held out."""
    return {"users": users, "items": items, "rows": rows, "width": WIDTH, "alpha": 3.0, "regularization": 1.0, "iterations": 5}


def _work(facts: Facts) -> Work:
    vectors, pairs = facts["users"] + facts["items"], facts["rows"]
    grams = vectors * WIDTH**2
    products = (1 + STEPS) * (2 * WIDTH**2 * vectors + 4 * WIDTH * 2 * pairs)
    return Work(
        grams + products,
        4 * WIDTH * 4 * vectors + 2 * 8 * pairs,
        "half of each side's Gram matrix, and for every vector four products with its matrix (D^2 by the Gram matrix, 2 D for each of its "
        "pairs); every vector read for its own side and for the other's and written, every pair read twice",
    )


CASE = Case(
    name="als",
    title="ALS",
    measured="seconds of an iteration, all users and all items, the first left out",
    sizes=(
        Size("500k", _words(20_000, 8_000, 620_000)),
        Size("1.6M", _words(40_000, 12_000, 2_030_000)),
        Size("5M", _words(100_000, 20_000, 6_150_000), rounds=3),
    ),
    sides=("turret", "implicit"),
    script="als",
    write=write_log,
    work=_work,
    alike=(Alike("ndcg@10", 0.01), Alike("explained", 0.002)),
    grows="rows",
    targets=(Target("5M", "implicit", 1.8),),
)
