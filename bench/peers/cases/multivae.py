"""MultiVAE: whole users in, scores of all items out."""

from __future__ import annotations

from pathlib import Path

from bench.peers.case import Alike, Case, Facts, Size, Target, Work
from bench.peers.logs import write_log

HIDDEN, LATENT, BATCH = 600, 200, 500


def _write(size: Size, folder: Path) -> Facts:
    facts = write_log(size, folder)
    return {**facts, "steps": -(-facts["users"] // BATCH)}


def _work(facts: Facts) -> Work:
    inner = facts["users"] * (HIDDEN * 2 * LATENT + LATENT * HIDDEN + HIDDEN * facts["items"])
    bags = facts["rows"] * HIDDEN
    return Work(
        3 * 2 * inner + 2 * 2 * bags,
        facts["steps"] * 7 * 4 * 2 * facts["items"] * HIDDEN,
        "the products of the dense layers, one forth and two back; each chosen item's row added forth and back; 7 passes of Adam a step",
    )


CASE = Case(
    name="multivae",
    title="MultiVAE",
    measured="seconds of an epoch, the median of those after the first",
    sizes=(
        Size("ml-100k", {"epochs": 30, "steps": None, "parts": 30}, rounds=3),
        # Some steps of an epoch, in parts.
        Size("gowalla", {"epochs": 1, "steps": 6, "parts": 6}, rounds=3),
        Size("20k", {"users": 50_000, "items": 20_000, "rows": 1_000_000, "epochs": 1, "steps": 8, "parts": 6}, rounds=3),
    ),
    sides=("turret", "recbole"),
    script="multivae",
    write=_write,
    work=_work,
    alike=(Alike("ndcg@10", 0.03),),
    grows="items",
    targets=(Target("ml-100k", "recbole", 2.0), Target("gowalla", "recbole", 2.0), Target("20k", "recbole", 2.0)),
)
