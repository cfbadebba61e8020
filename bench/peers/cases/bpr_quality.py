"""BPR to the same quality, which is the fair measure where an epoch is not the same work.

Rates and regularizations come from trials on a validation part, a tenth of the training part, at the same width. For ml-100k implicit was
tried with rates of 0.002 to 0.1 and regularizations of 0.001 to 0.03, Turret with Adam and Adagrad by rows at three rates and decays each;
for gowalla implicit with rates of 0.05 and 0.15, Turret with Adam by rows alone. The log with 1,000,000 items is drawn and denser than that
of the case `bpr`, on which neither side learns enough to be compared. Lists are judged outside the clock, every so many epochs.
"""

from __future__ import annotations

from typing import Any

from bench.peers.case import Alike, Case, Size, Target
from bench.peers.cases.bpr import WIDTH, work
from bench.peers.logs import write_log
from bench.peers.race import settle


def _race(within: float, patience: int, implicit: dict[str, Any], turret: dict[str, Any]) -> dict[str, Any]:
    return {"width": WIDTH, "judged": 2_000, "within": within, "patience": patience, "implicit": implicit, "turret": turret}


def _implicit(learning_rate: float, regularization: float, every: int) -> dict[str, Any]:
    """Judged after every so many epochs."""
    return {"learning_rate": learning_rate, "regularization": regularization, "every": every}


def _turret(learner: str, learning_rate: float, weight_decay: float) -> dict[str, Any]:
    """Judged after every epoch."""
    return {"learner": learner, "learning_rate": learning_rate, "weight_decay": weight_decay, "batch": 2048}


CASE = Case(
    name="bpr_quality",
    title="BPR, to a quality",
    measured="seconds of training until NDCG@10 is what both come to",
    sizes=(
        Size("ml-100k", _race(20, 10, _implicit(0.005, 0.001, 5), _turret("sparse_adam", 0.01, 1e-5))),
        Size("gowalla", _race(40, 4, _implicit(0.05, 0.001, 2), _turret("sparse_adam", 0.01, 1e-6)), rounds=3),
        Size(
            "1M",
            {
                "users": 200_000,
                "items": 1_000_000,
                "rows": 12_000_000,
                **_race(90, 3, _implicit(0.1, 0.001, 1), _turret("sparse_adam", 0.003, 0.0)),
            },
            rounds=1,
            limit=2_400.0,
        ),
    ),
    sides=("turret", "implicit"),
    script="bpr_quality",
    write=write_log,
    work=work,
    alike=(Alike("ndcg@10", 0.01),),
    grows="rows",
    targets=tuple(Target(size, "implicit", 1.0) for size in ("ml-100k", "gowalla", "1M")),
    settle=settle,
)
