"""Predicted probabilities beside what came true, bin by bin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from turret.core.interactions import FloatArray
from turret.evaluation.answers import Levels

WIDE = 1.959963984540054
"""Standard deviations in half of a 95 % interval."""
COLUMNS = 50
"""Of the histogram of predictions."""


class Bin(NamedTuple):
    """Some impressions of like predictions.

    Attributes:
        rows: how many.
        predicted: their mean prediction.
        observed: their share of clicks, ...
        low, high: ... and its 95 % interval.
    """

    rows: float
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """Predictions against what came of them.

    Attributes:
        bins: of equally many impressions, in ascending order of the prediction.
        histogram: impressions by prediction, in columns of equal width from 0 ...
        limit: ... to here.
        beyond: impressions with a prediction above `limit`.
    """

    bins: tuple[Bin, ...]
    histogram: tuple[float, ...]
    limit: float
    beyond: float

    @classmethod
    def of(cls, levels: Levels, bins: int) -> Reliability:
        """Of impressions by their logit."""
        binned = levels.merged(bins)
        predicted, observed = binned.predictions / binned.rows, binned.ones / binned.rows
        low, high = wilson(observed, binned.rows)
        limit = float(min(1.0, 1.05 * max(predicted.max(), high.max())))
        column = np.ceil(np.minimum(levels.predictions / levels.rows, 1) * (COLUMNS / limit) - 1).clip(0, COLUMNS).astype(np.int64)
        counts = np.bincount(column, levels.rows, COLUMNS + 1).tolist()
        rows = np.column_stack([binned.rows, predicted, observed, low, high]).tolist()
        return cls(tuple(Bin(*row) for row in rows), tuple(counts[:COLUMNS]), limit, counts[COLUMNS])

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Reliability:
        """From what JSON made of it."""
        return cls(tuple(Bin(*row) for row in found["bins"]), tuple(found["histogram"]), found["limit"], found["beyond"])


def wilson(share: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The 95 % interval of a share among n by E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference." JASA
    22, 1927, which stays inside 0..1 and has a width even at its ends."""
    shrunk = 1 + WIDE**2 / n
    middle = (share + WIDE**2 / (2 * n)) / shrunk
    half = WIDE / shrunk * np.sqrt(share * (1 - share) / n + WIDE**2 / (4 * n**2))
    return middle - half, middle + half
