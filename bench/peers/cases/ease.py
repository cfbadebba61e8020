"""EASE: the closed form, whose cost is that of inverting the items' Gram matrix."""

from __future__ import annotations

from bench.peers.case import Alike, Case, Facts, Size, Target, Work
from bench.peers.logs import write_log


def _work(facts: Facts) -> Work:
    items = facts["items"]
    return Work(items**3, 8 * items**2, "the inverse of a positive matrix by its Cholesky factor, n^3; n^2 values read and written")


CASE = Case(
    name="ease",
    title="EASE",
    measured="seconds of a fit",
    sizes=(
        Size("5k", {"users": 20_000, "items": 5_000, "rows": 500_000, "regularization": 250.0}),
        Size("10k", {"users": 40_000, "items": 10_000, "rows": 1_000_000, "regularization": 250.0}, rounds=3),
        Size("20k", {"users": 80_000, "items": 20_000, "rows": 2_000_000, "regularization": 250.0}, rounds=1, sides=("turret", "recbole")),
    ),
    sides=("turret", "recbole", "rectools"),
    script="ease",
    write=write_log,
    work=_work,
    alike=(Alike("ndcg@10", 0.001, exact=True),),
    grows="items",
    targets=(Target("20k", "recbole", 2.0),),
)
