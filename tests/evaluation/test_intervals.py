"""Bootstrap intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from turret.evaluation import intervals
from turret.evaluation.intervals import bundled, of_means


def test_about_95_of_100_intervals_hold_the_mean() -> None:
    generator = np.random.default_rng(0)
    held = 0
    for world in range(300):
        low, high = of_means({"m": generator.exponential(2.0, 80)}, 200, world)["m"]
        held += low <= 2.0 <= high
    assert 0.89 <= held / 300 <= 0.98


def test_the_width_is_that_of_the_normal_approximation(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).gamma(1.0, 1.0, 30_000)
    expected = 2 * 1.96 * values.std() / np.sqrt(len(values))
    for bundles in (10_000, 10**9):
        monkeypatch.setattr(intervals, "BUNDLES", bundles)
        low, high = of_means({"m": values}, 500, 0)["m"]
        assert high - low == pytest.approx(expected, rel=0.12), "users thrown together or one by one"
        assert low < values.mean() < high


def test_bundles_hold_everyone_once() -> None:
    values = np.random.default_rng(2).random((25_000, 2))
    sums = bundled(values, np.random.default_rng(0))
    assert len(sums) == 10_000 and sums.sum(axis=0) == pytest.approx(values.sum(axis=0))
    assert bundled(values[:100], np.random.default_rng(0)) is not None and np.array_equal(
        bundled(values[:100], np.random.default_rng(0)), values[:100]
    )


def test_users_who_do_not_count_do_not_count() -> None:
    values = np.random.default_rng(3).random(200)
    half = np.where(np.arange(200) < 100, values, np.nan)
    low, high = of_means({"m": half}, 2000, 0)["m"]
    assert (low + high) / 2 == pytest.approx(values[:100].mean(), abs=0.01)
    assert of_means({"m": np.full(5, np.nan)}, 100, 0) == {}
    assert of_means({}, 100, 0) == of_means({"m": values}, 0, 0) == of_means({"m": values[:0]}, 100, 0) == {}


def test_weights_make_it_the_interval_of_the_weighted_mean() -> None:
    generator = np.random.default_rng(4)
    counts = generator.integers(1, 6, 4000)
    values = generator.normal(counts, 1.0)
    low, high = of_means({"m": values}, 500, 0, weights=counts.astype(float))["m"]
    assert low < np.average(values, weights=counts) < high and low > values.mean()


def test_the_same_seed_the_same_interval() -> None:
    values = {"m": np.random.default_rng(5).random(50)}
    assert of_means(values, 100, 1) == of_means(values, 100, 1) != of_means(values, 100, 2)
