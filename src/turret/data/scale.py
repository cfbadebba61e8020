"""Scaling of numbers, fitted on training's impressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from turret.core.interactions import FloatArray, IntArray

Kind = Literal["standard", "min_max", "log", "none"]


@dataclass(frozen=True, slots=True)
class Scale:
    """(x - shift) / factor; for `log`, of sign(x) ln(1 + |x|).

    Attributes:
        kind: how it was fitted.
        shift: what becomes 0: the mean, or of `min_max` the least.
        factor: what becomes 1 above that: the deviation, or of `min_max` the span.
    """

    kind: Kind = "none"
    shift: float = 0.0
    factor: float = 1.0

    @classmethod
    def fit(cls, kind: Kind, values: FloatArray, times: IntArray | None = None) -> Scale:
        """The scale of some numbers.

        Args:
            kind: how to scale.
            values: float [n] what training sees, NaN where missing.
            times: int [n] how many of training's rows each stands for; None: one.
        """
        known = ~np.isnan(values)
        if times is not None:
            known &= times > 0
            times = times[known]
        values = values[known]
        if kind == "none" or not len(values):
            return cls(kind)
        if kind == "min_max":
            least, most = float(values.min()), float(values.max())
            return cls(kind, least, most - least or 1.0)
        if kind == "log":
            values = _log(values)
        mean = float(np.average(values, weights=times) if times is not None else values.mean(dtype=np.float64))
        square = np.square(values - np.float64(mean))
        deviation = float(np.sqrt(np.average(square, weights=times)))
        return cls(kind, mean, deviation or 1.0)

    def apply(self, values: FloatArray) -> FloatArray:
        """float32 [n] the numbers scaled; a missing one (NaN) becomes 0: the mean, or of `min_max` the least."""
        raw = _log(values) if self.kind == "log" else values
        scaled: FloatArray = ((raw - np.float64(self.shift)) / self.factor).astype(np.float32)
        return np.where(np.isnan(scaled), np.float32(0), scaled)


def _log(values: FloatArray) -> FloatArray:
    scaled: FloatArray = np.sign(values) * np.log1p(np.abs(values, dtype=np.float64))
    return scaled
