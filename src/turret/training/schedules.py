"""How the learning rate changes from epoch to epoch. Functions of the epoch, so that a resumed run needs to remember nothing."""

from __future__ import annotations

import math

from turret.training.config import Training


def learning_rate(training: Training, epoch: int, losses: list[float]) -> float:
    """The learning rate of an epoch, counted from 0.

    Args:
        training: the schedule and its settings.
        epoch: which one.
        losses: the mean training loss of each epoch before it, which only the plateau schedule looks at.
    """
    rate, gamma = training.learning_rate, training.scheduler_gamma
    if training.scheduler == "exponential":
        return rate * gamma**epoch
    if training.scheduler == "cosine":
        return rate * (1 + math.cos(math.pi * epoch / max(training.epochs, 1))) / 2
    if training.scheduler == "step":
        return rate * gamma ** (epoch // training.scheduler_step)
    if training.scheduler == "plateau":
        return rate * gamma ** _plateaus(losses, training.scheduler_step)
    return rate


def _plateaus(losses: list[float], patience: int) -> int:
    """How often `patience` epochs in a row brought no loss lower than the lowest before."""
    lowest, waited, drops = math.inf, 0, 0
    for loss in losses:
        waited = 0 if loss < lowest else waited + 1
        lowest = min(lowest, loss)
        if waited == patience:
            drops, waited = drops + 1, 0
    return drops
