"""How the learning rate changes from round to round. Functions of the round, so that a resumed run needs to remember nothing."""

from __future__ import annotations

import math

from turret.training.config import Training


def learning_rate(training: Training, number: int, losses: list[float], rounds: int = 1) -> float:
    """The learning rate of a round.

    Args:
        training: the schedule and its settings.
        number: which round, counted from 0.
        losses: the mean training loss of each round before it, which only the plateau schedule looks at.
        rounds: of an epoch.
    """
    rate, gamma = training.learning_rate, training.scheduler_gamma
    if training.scheduler == "exponential":
        return rate * gamma**number
    if training.scheduler == "cosine":
        return rate * (1 + math.cos(math.pi * number / max(training.epochs * rounds, 1))) / 2
    if training.scheduler == "step":
        return rate * gamma ** (number // training.scheduler_step)
    if training.scheduler == "plateau":
        return rate * gamma ** _plateaus(losses, training.scheduler_step)
    return rate


def _plateaus(losses: list[float], patience: int) -> int:
    """How often `patience` rounds in a row brought no loss lower than the lowest before."""
    lowest, waited, drops = math.inf, 0, 0
    for loss in losses:
        waited = 0 if loss < lowest else waited + 1
        lowest = min(lowest, loss)
        if waited == patience:
            drops, waited = drops + 1, 0
    return drops
