"""Turret: recommender systems on PyTorch, from a raw interaction log to recommendations that can be served."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from turret.version import __version__ as __version__

if TYPE_CHECKING:
    from turret.api import Checked as Checked
    from turret.api import FeatureReport as FeatureReport
    from turret.api import Predicted as Predicted
    from turret.api import Reason as Reason
    from turret.api import Recommendation as Recommendation
    from turret.api import Run as Run
    from turret.api import build_index as build_index
    from turret.api import check as check
    from turret.api import compare as compare
    from turret.api import evaluate as evaluate
    from turret.api import export as export
    from turret.api import features as features
    from turret.api import load as load
    from turret.api import predict as predict
    from turret.api import prepare as prepare
    from turret.api import recommend as recommend
    from turret.api import resume as resume
    from turret.api import simulate as simulate
    from turret.api import train as train

_FUNCTIONS = (
    "Checked",
    "FeatureReport",
    "Predicted",
    "Reason",
    "Recommendation",
    "Run",
    "build_index",
    "check",
    "compare",
    "evaluate",
    "export",
    "features",
    "load",
    "predict",
    "prepare",
    "recommend",
    "resume",
    "simulate",
    "train",
)

# libgomp's threads spin while they wait, which makes two of them some fifty times slower when another process shares a core. The policy is
# read when torch loads, which nothing above does.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A large table is read a row here and a row there: large pages save most of the look-ups of addresses. Read at torch's first allocation.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def __getattr__(name: str) -> Any:
    # The functions load torch, so they come when they are asked for: `import turret` and `turret --help` stay quick.
    if name in _FUNCTIONS:
        from turret import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_FUNCTIONS])
