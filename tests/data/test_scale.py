"""Scales against their definitions in plain loops, and what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from turret.data.scale import Kind, Scale

VALUES = np.array([3.0, np.nan, -1.5, 8.0, 0.0, 3.0], dtype=np.float32)
TIMES = np.array([2, 5, 1, 0, 3, 1])


def logarithm(x: float) -> float:
    return math.copysign(math.log(1 + abs(x)), x)


def by_hand(kind: Kind, x: float, rows: list[float]) -> float:
    if kind == "none":
        return x
    if kind == "min_max":
        return (x - min(rows)) / (max(rows) - min(rows))
    if kind == "log":
        x, rows = logarithm(x), [logarithm(row) for row in rows]
    mean = sum(rows) / len(rows)
    return (x - mean) / math.sqrt(sum((row - mean) ** 2 for row in rows) / len(rows))


@pytest.mark.parametrize("kind", ["standard", "min_max", "log", "none"])
@pytest.mark.parametrize("times", [None, TIMES])
def test_equals_its_definition_over_training_rows(kind: Kind, times: np.ndarray | None) -> None:
    repeats = np.ones(len(VALUES), dtype=int) if times is None else times
    rows = [float(x) for x, n in zip(VALUES, repeats, strict=True) for _ in range(n) if not math.isnan(x)]
    scaled = Scale.fit(kind, VALUES, times).apply(np.array([2.0, -7.0, np.nan], dtype=np.float32))
    assert scaled.dtype == np.float32
    assert scaled.tolist() == pytest.approx([by_hand(kind, 2.0, rows), by_hand(kind, -7.0, rows), 0.0], rel=1e-6)


@pytest.mark.parametrize("kind", ["standard", "min_max", "log", "none"])
def test_of_nothing_and_of_a_constant_nothing_is_divided_by_zero(kind: Kind) -> None:
    for values in ([], [np.nan], [4.0, 4.0]):
        assert np.isfinite(Scale.fit(kind, np.array(values, dtype=np.float32)).apply(np.array([4.0, 9.0, np.nan]))).all()


def test_a_large_mean_costs_no_digits() -> None:
    values = (1e6 + np.arange(1000) % 2).astype(np.float32)
    scale = Scale.fit("standard", values)
    assert scale.factor == pytest.approx(0.5) and scale.apply(values[:2]).tolist() == [-1, 1]
