"""A log of advertisements in the shape of Criteo's, of any size, with a known best result.

The truth: logit(row) = intercept + sum over columns of an effect of the value + sum over pairs of some categories of the product of two
vectors, and the label is 1 with that probability. The categories of the pairs are those with few values: of others, hardly two rows would
share a pair. Letters: n rows, G numbers, F categories, C = G + F columns, B bins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import expit

from turret.core.interactions import FloatArray, IntArray
from turret.core.seeds import derive, numpy_generator
from turret.data.simulate.draw import root
from turret.data.simulate.settings import Advertising

MOST = (5_775, 257_675, 65_535, 969, 23_159_456, 431_037, 56_311, 6_047, 29_019, 11, 231, 4_008, 7_393)
"""About the largest value of each of Criteo's numbers."""
LEAST = (0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
SIZES = (
    *(1_460, 583, 10_131_227, 2_202_608, 305, 24, 12_517, 633, 3, 93_145, 5_683, 8_351_593, 3_194),
    *(27, 14_992, 5_461_306, 10, 5_652, 2_173, 4, 7_046_547, 18, 15, 286_181, 105, 142_572),
)
"""How many values each of Criteo's categories has."""
PAIRED = 1_000
"""Categories with fewer values than this are those of the pairs."""
NUMBERS_MISSING = (0.45, 0.0, 0.21, 0.22, 0.03, 0.22, 0.04, 0.0, 0.04, 0.45, 0.04, 0.77, 0.22)
CATEGORIES_MISSING = (
    *(0.0, 0.0, 0.03, 0.03, 0.0, 0.12, 0.0, 0.0, 0.0, 0.0, 0.0, 0.03, 0.0),
    *(0.0, 0.0, 0.03, 0.0, 0.0, 0.44, 0.44, 0.03, 0.76, 0.0, 0.03, 0.44, 0.44),
)
"""About which share of Criteo's rows has a hole there."""
NUMBERS = len(MOST)
PILOT = 1 << 16
"""Rows at the front of the log on which effects and click rate are scaled."""
ROWS_AT_ONCE = 1 << 14
BINS, WIDEST = 1 << 20, 16.0
"""B, and the logits between which the bins lie."""


@dataclass(frozen=True)
class Market:
    """Everything that the rows of a log follow from.

    Attributes:
        drawn, meant, named: uint64 [C] keys of what is drawn, of what it means and of what it is called.
        labelled: key of the labels.
        spans: float64 [C] how far the values reach; see `kernels.advertising.draw`.
        holes: int64 [C]; likewise.
        least: int64 [C]; likewise.
        curves: float64 [G, 3] what the numbers say; see `kernels.advertising.meaning`.
        paired: bool [C]; likewise.
        scale: float64 [2] by which the effects and the pairs count.
        intercept: of the logit.
    """

    drawn: IntArray
    meant: IntArray
    named: IntArray
    labelled: np.uint64
    spans: FloatArray
    holes: IntArray
    least: IntArray
    curves: FloatArray
    paired: IntArray
    scale: FloatArray
    intercept: float

    def values(self, first: int, rows: int) -> IntArray:
        """What the rows from number `first` on hold, int64 [n, C]: numbers as they are, categories as ranks by frequency."""
        from turret.kernels.advertising import draw

        return draw(first, rows, self.drawn, self.spans, self.holes, self.least, NUMBERS)

    def said(self, values: IntArray) -> FloatArray:
        """Effects and pairs before they are scaled, float64 [n, 2]."""
        from turret.kernels.advertising import meaning

        return meaning(values, self.meant, self.spans, self.least, self.curves, self.paired)

    def logits(self, values: IntArray) -> FloatArray:
        """float64 [n] the true logit of a click."""
        return np.asarray(self.intercept + self.said(values) @ self.scale)

    def labels(self, first: int, probabilities: FloatArray) -> IntArray:
        """int8 [n] the clicks of the rows from number `first` on."""
        from turret.kernels.advertising import uniforms

        return (uniforms(first, len(probabilities), self.labelled) < probabilities).astype(np.int8)

    def text(self, labels: IntArray, values: IntArray) -> bytes:
        """Rows as they are in the file."""
        from turret.kernels.advertising import as_text

        return as_text(labels, values, self.named, NUMBERS).tobytes()


class Ceiling:
    """The best that any model could reach on the rows that it was told of, in expectation over their labels.

    With p the true probabilities and z their logits, the AUC is the sum over pairs of p_i (1 - p_j) [z_i > z_j], over the sum of
    p_i (1 - p_j); ties count a half. Logits are counted in B bins and pairs in one bin as ties, so it is off by at most half the share of
    such pairs: under 1e-5 for the default settings. The logloss is the mean entropy of the labels.
    """

    def __init__(self) -> None:
        self._clicks, self._others = np.zeros(BINS), np.zeros(BINS)
        self._entropy, self._rows = 0.0, 0

    def add(self, logits: FloatArray, probabilities: FloatArray) -> None:
        """Tells it of rows: [n] each."""
        bins = np.clip((logits + WIDEST) * (BINS / (2 * WIDEST)), 0, BINS - 1).astype(np.int64)
        np.add.at(self._clicks, bins, probabilities)
        np.add.at(self._others, bins, 1 - probabilities)
        self._entropy += float((np.logaddexp(0.0, logits) - probabilities * logits).sum())
        self._rows += len(logits)

    @property
    def auc(self) -> float:
        """Of the true probabilities."""
        below = np.cumsum(self._others) - self._others / 2
        return float(self._clicks @ below / (self._clicks.sum() * self._others.sum()))

    @property
    def auc_error(self) -> float:
        """By how much `auc` may be off."""
        return float(self._clicks @ self._others / (2 * self._clicks.sum() * self._others.sum()))

    @property
    def logloss(self) -> float:
        """Of the true probabilities, in nats."""
        return self._entropy / self._rows


def market(settings: Advertising, seed: int) -> Market:
    """The market of `settings` and `seed`; the number of rows does not matter where the vocabulary is given."""
    from turret.kernels.advertising import HOLES_OF

    rng = numpy_generator(seed, "numbers")
    counts = np.concatenate([np.array(MOST) - np.array(LEAST), sizes(settings.values)])
    missing = np.array(NUMBERS_MISSING + CATEGORIES_MISSING)
    raw = Market(
        drawn=_keys(seed, "drawn", len(counts)),
        meant=_keys(seed, "meant", len(counts)),
        named=_keys(seed, "named", len(counts)),
        labelled=np.uint64(derive(seed, "labels")),
        spans=_levels(counts + 1),
        holes=np.rint(missing * HOLES_OF).astype(np.int64),
        least=np.concatenate([LEAST, np.zeros(len(SIZES), dtype=np.int64)]),
        curves=rng.standard_normal((NUMBERS, 3)) * (2.0, 1.0, 0.5),
        paired=np.concatenate([np.zeros(NUMBERS, dtype=bool), np.array(SIZES) < PAIRED]),
        scale=np.ones(2),
        intercept=0.0,
    )
    said = raw.said(raw.values(0, PILOT))
    scale = np.array([settings.effects, settings.pairs]) / said.std(axis=0)
    logits = said @ scale
    intercept = root(lambda x: float(expit(x + logits).mean()), settings.click_rate, float(np.abs(logits).max()) + 20)
    return replace(raw, scale=scale, intercept=intercept)


def write(path: Path, settings: Advertising, seed: int, progress: Callable[[int], None] | None = None) -> dict[str, float]:
    """Writes the log: tab-separated, without a header. Memory does not grow with it.

    Args:
        path: of the new file.
        settings: size and character.
        seed: the same settings and seed give the same bytes.
        progress: is told the number of rows of each block written.

    Returns:
        `auc` and `logloss` of the true probabilities.
    """
    world, ceiling = market(settings, seed), Ceiling()
    with path.open("wb") as file:
        for first in range(0, settings.rows, ROWS_AT_ONCE):
            rows = min(ROWS_AT_ONCE, settings.rows - first)
            values = world.values(first, rows)
            logits = world.logits(values)
            probabilities = expit(logits)
            ceiling.add(logits, probabilities)
            file.write(world.text(world.labels(first, probabilities), values))
            if progress is not None:
                progress(rows)
    return {"auc": round(ceiling.auc, 6), "logloss": round(ceiling.logloss, 6)}


def sizes(vocabulary: int) -> IntArray:
    """int64 [F] about how many values each category has when all have `vocabulary` together: a power of Criteo's, at least 2."""

    def powered(exponent: float) -> IntArray:
        return np.maximum(2, np.rint(np.array(SIZES, dtype=np.float64) ** exponent)).astype(np.int64)

    return powered(root(lambda exponent: float(powered(exponent).sum()), vocabulary, 2.0))


def _keys(seed: int, purpose: str, columns: int) -> IntArray:
    return np.array([derive(seed, purpose, column) for column in range(columns)], dtype=np.uint64)


def _levels(counts: IntArray) -> FloatArray:
    """`kernels.advertising._level` of each."""
    powers = np.frexp(counts.astype(np.float64))[1] - 1
    return np.asarray(powers + counts / 2.0**powers - 1)
