"""What a ranker answered to the impressions of a part: all that its metrics are functions of.

A *unit* is what intervals draw as a whole, a user or a group of rows; for a slice, it is a value of a feature. Letters: n impressions, U
units, m levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from turret.core.interactions import FloatArray, IntArray

CURVE = 4.0
"""Logit at which half of the bins on its side are used up: they are finest at 0 and never end."""


def sigmoid(logits: FloatArray) -> FloatArray:
    """1 / (1 + e^-z), float64."""
    return np.exp(-np.logaddexp(0, -logits.astype(np.float64)))


SUMS: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "rows": lambda z, y: np.ones(len(z)),
    "labels": lambda z, y: y,
    "others": lambda z, y: np.asarray((y != 0) & (y != 1), dtype=np.float64),
    "predictions": lambda z, y: sigmoid(z),
    "loss": lambda z, y: np.logaddexp(0, np.where(y == 1, -z, z)),
    "error": lambda z, y: np.abs(sigmoid(z) - y),
    "square": lambda z, y: (sigmoid(z) - y) ** 2,
    "error of logits": lambda z, y: np.abs(z - y),
    "square of logits": lambda z, y: (z - y) ** 2,
}
"""What is summed up over the impressions of a unit: functions of logits and labels, float64 [n]."""


@dataclass(frozen=True)
class Levels:
    """The impressions by their logit: how many of each label, in ascending order of the logit. A level is one value, or a bin of them.

    Attributes:
        zeros, ones: float64 [m] impressions of label 0 and of label 1.
        predictions: float64 [m] the sum of their predictions.
    """

    zeros: FloatArray
    ones: FloatArray
    predictions: FloatArray

    @property
    def rows(self) -> FloatArray:
        """float64 [m]."""
        return self.zeros + self.ones

    @cached_property
    def beaten(self) -> tuple[FloatArray, FloatArray]:
        """float64 [m] for each level the share of zeros below it, and the share of ones above it; half of those on it."""
        below = np.cumsum(self.zeros) - self.zeros / 2
        above = self.ones.sum() - np.cumsum(self.ones) + self.ones / 2
        return below / self.zeros.sum(), above / self.ones.sum()

    @cached_property
    def area(self) -> float:
        """The area under the curve, of levels with both labels."""
        return float(self.ones @ self.beaten[0] / self.ones.sum())

    @property
    def tied(self) -> float:
        """The share of the pairs (1, 0) that are on one level."""
        return float(self.ones @ self.zeros / (self.ones.sum() * self.zeros.sum()))

    def merged(self, bins: int) -> Levels:
        """At most `bins` levels of equally many impressions, as far as levels can stay whole: each goes where its middle is."""
        middle = np.cumsum(self.rows) - self.rows / 2
        place = np.minimum(middle * bins / max(self.rows.sum(), 1), bins - 1).astype(np.int64)
        zeros, ones, predictions = (_counted(place, column, bins) for column in (self.zeros, self.ones, self.predictions))
        filled = zeros + ones > 0
        return Levels(zeros[filled], ones[filled], predictions[filled])


@dataclass(frozen=True)
class Kept:
    """Impressions, each as it was answered.

    Attributes:
        logits: float32 [n].
        labels: float32 [n].
        unit: int32 [n], 0..U-1.
    """

    logits: FloatArray
    labels: FloatArray
    unit: IntArray

    def of_units(self, units: IntArray) -> Kept:
        """Those of some units, `units` ascending, renumbered."""
        chosen = np.isin(self.unit, units)
        return Kept(self.logits[chosen], self.labels[chosen], np.searchsorted(units, self.unit[chosen]).astype(np.int32))


@dataclass(frozen=True)
class Answers:
    """The answers to impressions, summed up.

    Attributes:
        sums: float64 [U] by name, as `SUMS` has them.
        binary: whether all labels of the part are 0 or 1.
        kept: the impressions themselves; None where there were too many to keep.
        binned: the impressions by bins of logits, where they are not kept and these are all impressions; else None.
    """

    sums: Mapping[str, FloatArray]
    binary: bool
    kept: Kept | None = None
    binned: Levels | None = None

    @property
    def rows(self) -> FloatArray:
        """float64 [U] how many impressions each unit has."""
        return self.sums["rows"]

    def mean(self, name: str) -> FloatArray:
        """float64 [U]: each unit's mean of what is summed up under `name`."""
        return self.sums[name] / self.rows

    def of_units(self, units: IntArray) -> Answers:
        """The answers of some of the units, `units` ascending."""
        kept = None if self.kept is None else self.kept.of_units(units)
        return Answers({name: column[units] for name, column in self.sums.items()}, self.binary, kept)

    @cached_property
    def levels(self) -> Levels | None:
        """The impressions by logit: exactly, or in bins; None where neither is known."""
        if self.kept is None:
            return self.binned
        values, _ = self._by_logit
        rows = _counted(self.level, np.ones(len(self.level)), len(values))
        ones = _counted(self.level, self.kept.labels, len(values))
        return Levels(rows - ones, ones, sigmoid(values) * rows)

    @property
    def level(self) -> IntArray:
        """int64 [n] the level of each impression that is kept."""
        return self._by_logit[1]

    @cached_property
    def _by_logit(self) -> tuple[FloatArray, IntArray]:
        assert self.kept is not None
        return np.unique(self.kept.logits, return_inverse=True)


def terms(logits: FloatArray, labels: FloatArray) -> dict[str, FloatArray]:
    """What `SUMS` makes of float64 [n] logits and labels."""
    return {name: term(logits, labels) for name, term in SUMS.items()}


class Bins:
    """Impressions as they come in, counted by bins of logits.

    The bins are equally wide in z / (4 + |z|), written so that rounding cannot put a higher logit into a lower bin.

    Args:
        n: how many.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self._zeros, self._ones, self._predictions = np.zeros(n), np.zeros(n), np.zeros(n)

    def add(self, logits: FloatArray, labels: FloatArray) -> None:
        """Impressions: float64 [n] logits, float64 [n] labels."""
        far = 1 - CURVE / (CURVE + np.abs(logits))
        place = np.minimum((1 + np.copysign(far, logits)) * (self.n / 2), self.n - 1).astype(np.int64)
        self._zeros += _counted(place, 1 - labels, self.n)
        self._ones += _counted(place, labels, self.n)
        self._predictions += _counted(place, sigmoid(logits), self.n)

    @property
    def levels(self) -> Levels:
        """The bins that are not empty."""
        filled = self._zeros + self._ones > 0
        return Levels(self._zeros[filled], self._ones[filled], self._predictions[filled])


class Gathering:
    """The answers to the n impressions of a part as they come in, a batch at a time and in order.

    Args:
        n: how many impressions will come.
        tasks: how many tasks each is answered for.
        units: how many units there are of each kind.
        bins: bins of logits in which impressions are counted; None keeps them.
    """

    def __init__(self, n: int, tasks: int, units: Mapping[str, int], bins: int | None) -> None:
        self._sums = {kind: [{name: np.zeros(size) for name in SUMS} for _ in range(tasks)] for kind, size in units.items()}
        self._bins = [Bins(bins) for _ in range(tasks)] if bins is not None else None
        rows = 0 if self._bins is not None else n
        self._logits, self._labels = (np.empty((tasks, rows), dtype=np.float32) for _ in range(2))
        self._units = {kind: np.empty(rows, dtype=np.int32) for kind in units}
        self._came = 0

    def add(self, logits: FloatArray, labels: FloatArray, units: Mapping[str, IntArray]) -> None:
        """A batch: float32 [B, T] logits, float32 [B, T] labels, and of each kind the units int [B]."""
        rows = slice(self._came, self._came + len(logits))
        self._came = rows.stop
        for task, (z, y) in enumerate(zip(logits.T.astype(np.float64), labels.T.astype(np.float64), strict=True)):
            found = terms(z, y)
            for kind, unit in units.items():
                for name, values in found.items():
                    np.add.at(self._sums[kind][task][name], unit, values)
            if self._bins is not None:
                self._bins[task].add(z, y)
            else:
                self._logits[task, rows], self._labels[task, rows] = z, y
        if self._bins is None:
            for kind, unit in units.items():
                self._units[kind][rows] = unit

    def answers(self, kind: str) -> list[Answers]:
        """For each task the answers by units of one kind."""
        found = []
        for task, sums in enumerate(self._sums[kind]):
            binary = not sums["others"].any()
            if self._bins is None:
                found.append(Answers(sums, binary, Kept(self._logits[task], self._labels[task], self._units[kind])))
            else:
                found.append(Answers(sums, binary, binned=self._bins[task].levels))
        return found


def _counted(place: IntArray, weights: FloatArray, n: int) -> FloatArray:
    """float64 [n] the sum of the weights at each place."""
    return np.asarray(np.bincount(place, weights, n), dtype=np.float64)
