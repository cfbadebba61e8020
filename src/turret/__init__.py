"""Turret: recommender systems on PyTorch, from a raw interaction log to recommendations that can be served."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from turret.version import __version__ as __version__

if TYPE_CHECKING:
    from turret.api import Recommendation, Run, compare, evaluate, load, prepare, recommend, resume, simulate, train

__all__ = ["Recommendation", "Run", "compare", "evaluate", "load", "prepare", "recommend", "resume", "simulate", "train"]

# libgomp's threads spin while they wait, which makes two of them some fifty times slower when another process shares a core. The policy is
# read when torch loads, which nothing above does.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def __getattr__(name: str) -> Any:
    # The functions load torch, so they come when they are asked for: `import turret` and `turret --help` stay quick.
    if name in __all__:
        from turret import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
