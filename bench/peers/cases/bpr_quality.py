"""BPR until the lists are as good as implicit's at its best, which is the fair measure where an epoch is not the same work.

Rates and regularizations come from trials on a validation part, a tenth of the training part, at the same width. For ml-100k implicit was
tried with rates of 0.002 to 0.1 and regularizations of 0.001 to 0.03, Turret with Adam and Adagrad by rows at three rates and decays each;
for gowalla implicit with rates of 0.05 and 0.15, Turret with Adam by rows alone. `level` is 99 % of the best NDCG@10 on the test part that
implicit reached in one run with its settings, in any of its epochs. Lists are judged outside the clock, every so many epochs.

The drawn log of the case `bpr` has no place here: with its many items of few pairs each, no settings were found with which either side
learns enough to be compared.
"""

from __future__ import annotations

from typing import Any

from bench.peers.case import Alike, Case, Size, Target
from bench.peers.cases.bpr import WIDTH, work
from bench.peers.logs import write_log


def _implicit(learning_rate: float, regularization: float, every: int, looks: int) -> dict[str, Any]:
    """Judged after every so many epochs, at most so often."""
    return {"learning_rate": learning_rate, "regularization": regularization, "every": every, "looks": looks}


def _turret(learner: str, learning_rate: float, weight_decay: float, batch: int, every: int, looks: int) -> dict[str, Any]:
    """The same."""
    rates = {"learning_rate": learning_rate, "weight_decay": weight_decay}
    return {"learner": learner, **rates, "batch": batch, "every": every, "looks": looks}


CASE = Case(
    name="bpr_quality",
    title="BPR, to a quality",
    measured="seconds of training until NDCG@10 is 99 % of implicit's best",
    sizes=(
        Size(
            "ml-100k",
            {
                "width": WIDTH,
                "level": 0.273,
                "implicit": _implicit(0.005, 0.001, 5, 40),
                "turret": _turret("sparse_adam", 0.01, 1e-5, 2048, 1, 40),
            },
        ),
        Size(
            "gowalla",
            {
                "width": WIDTH,
                "level": 0.0525,
                "implicit": _implicit(0.05, 0.001, 2, 12),
                "turret": _turret("sparse_adam", 0.01, 1e-6, 2048, 1, 20),
            },
            rounds=3,
        ),
    ),
    sides=("turret", "implicit"),
    script="bpr_quality",
    write=write_log,
    work=work,
    alike=(Alike("ndcg@10", 0.01),),
    grows="rows",
    targets=(Target("ml-100k", "implicit", 1.0), Target("gowalla", "implicit", 1.0)),
)
