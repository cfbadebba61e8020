"""An epoch of BPR: every pair once against one item drawn at random, by batches where there are batches.

implicit and LightFM take single steps and remember less, so an epoch of theirs is not the same work; `bpr_quality` compares by what is
reached. Rates are what each learns well with.
"""

from __future__ import annotations

from bench.peers.case import Alike, Case, Facts, Size, Target, Work
from bench.peers.logs import write_log

WIDTH, CACHED = 64, 1 << 25


def work(facts: Facts) -> Work:
    """Of one pass over the pairs."""
    row = 4 * WIDTH
    tables = (facts["users"] + facts["items"]) * row
    touched = 3 * facts["rows"] * row if tables > CACHED else tables
    return Work(
        12 * WIDTH * facts["rows"],
        2 * touched + 8 * facts["rows"],
        "two inner products and the three steps by their gradients for every pair; the pair read, and its three vectors read and written, "
        "or every vector once where all tables together fit in 32 MiB of cache",
    )


_SAME = {"width": WIDTH, "batch": 2048}
CASE = Case(
    name="bpr",
    title="BPR, an epoch",
    measured="seconds of a pass over all pairs, the first left out",
    sizes=(
        Size(
            "ml-100k",
            {**_SAME, "epochs": 20, "turret": 0.005, "recbole": 0.005, "implicit": 0.01, "recbole_steps": None, "dense": True},
        ),
        Size(
            "gowalla",
            {**_SAME, "epochs": 3, "turret": 0.01, "recbole": 0.01, "implicit": 0.05, "recbole_steps": None, "dense": True},
            rounds=3,
        ),
        Size(
            "1M",
            {
                **_SAME,
                "users": 200_000,
                "items": 1_000_000,
                "rows": 2_300_000,
                "epochs": 2,
                "turret": 0.01,
                "recbole": 0.01,
                "implicit": 0.1,
                "recbole_steps": 20,
                "dense": False,
            },
            rounds=3,
        ),
    ),
    sides=("turret", "recbole", "implicit", "lightfm"),
    script="bpr",
    write=write_log,
    work=work,
    alike=(Alike("ndcg@10", 0.01),),
    grows="rows",
    targets=(Target("1M", "recbole", 200.0),),
)
