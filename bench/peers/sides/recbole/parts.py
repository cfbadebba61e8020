"""Training by RecBole's trainer in parts of which each is measured: whole epochs, or some steps of one."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
from stand import Stand


def trained(stand: Stand, train: Any, trainer: Any) -> float:
    """Trains for as many parts as the size says. Returns the seconds of an epoch, by the median of the parts after the first.

    What is called is the loop over batches within RecBole's `fit`, without its logs and checkpoints around it. A part of an epoch is the
    same loop over the next so many batches of one pass of its loader.
    """
    steps = stand.words["steps"]
    batches = None if steps is None else iter(train)
    for number in range(stand.words["parts"]):
        with stand.measuring():
            trainer._train_epoch(train if batches is None else islice(batches, steps), number)
    return float(np.median(stand.seconds[1:])) * len(train) / (steps or len(train))


def note(stand: Stand) -> str:
    """What part of an epoch was run."""
    steps, all_steps = stand.words["steps"], stand.facts["steps"]
    return f"{steps} of {all_steps} steps at a time, scaled; quality after {steps * stand.words['parts']} steps" if steps else ""
