"""What is no finite number is said to be none, with its place, and is never averaged in, skipped or written down."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from turret.core.errors import TurretError
from turret.core.interactions import FloatArray

NAMED = 5
"""Rows that a message names one by one."""
DIVERGED = "\n  Training has probably diverged: a smaller learning_rate may help."


def finite_predictions(predictions: Tensor, before: int, where: str) -> FloatArray:
    """Predictions float32 [B, T] on the processor, once it is certain that they are numbers.

    Args:
        predictions: of B rows, for T tasks.
        before: rows of the same source that came earlier.
        where: what the rows are of.

    Raises:
        TurretError: some are NaN or infinite; says in which rows, counted from 1.
    """
    found: FloatArray = predictions.float().cpu().numpy()
    rows = np.flatnonzero(~np.isfinite(found).all(axis=1)) + before + 1
    if len(rows):
        named = ", ".join(f"{row:,}" for row in rows[:NAMED]) + (f" and {len(rows) - NAMED:,} others" if len(rows) > NAMED else "")
        of = f"of rows {before + 1:,} to {before + len(found):,} of {where}"
        raise TurretError(f"the model's predictions are no finite numbers in {len(rows):,} {of}: {named}{DIVERGED}")
    return found
