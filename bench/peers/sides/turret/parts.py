"""Gradient training by Turret in parts of which each is measured: whole epochs, or some steps of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stand import Stand

from turret.training.config import Training


def training(stand: Stand, batch: int, **more: Any) -> Training:
    """Adam at 0.001, in rounds of the steps that the size says, or else of an epoch each."""
    return Training(learning_rate=0.001, batch_size=batch, epochs=stand.words["epochs"], round_steps=stand.words["steps"], **more)


def trained(stand: Stand, model: Any, procedure: Any) -> float:
    """Trains for as many parts as the size says. Returns the seconds of an epoch, by the median of the parts after the first."""
    rounds = procedure.fit(model, stand.seed, torch.device("cpu"))
    for _ in range(stand.words["parts"]):
        with stand.measuring():
            next(rounds)
    return float(np.median(stand.seconds[1:])) * stand.facts["steps"] / (stand.words["steps"] or stand.facts["steps"])


def note(stand: Stand) -> str:
    """What part of an epoch was run."""
    steps, all_steps = stand.words["steps"], stand.facts["steps"]
    return f"{steps} of {all_steps} steps at a time, scaled; quality after {steps * stand.words['parts']} steps" if steps else ""
