"""Training to the same quality: where an epoch is not the same work for all, what counts is how soon each is as good as the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHARE = 0.99
"""The level is this share of what the side that came least far had at its best."""


def settle(outcomes: Mapping[str, dict[str, Any]]) -> None:
    """Makes of the curves of one round the seconds after which each side was at the level that all came to.

    What is better than the level counts as the level: no more was asked for, and a side that looks seldom overshoots.

    Args:
        outcomes: of the sides that ran, each with `measure`, its name, and `curve`, of (seconds of training, quality, epochs) at each
            look; gets `seconds`, `quality` and `note`.
    """
    if not outcomes:
        return
    level = SHARE * min(max(quality for _, quality, _ in outcome["curve"]) for outcome in outcomes.values())
    for outcome in outcomes.values():
        seconds, _, epochs = next(point for point in outcome["curve"] if point[1] >= level)
        best = max(outcome["curve"], key=lambda point: point[1])
        outcome["seconds"], outcome["quality"] = seconds, {outcome["measure"]: level}
        outcome["note"] = f"there after {epochs:.3g} epochs; at best {best[1]:.4f}, after {best[2]:.3g}"
