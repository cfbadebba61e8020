"""Metrics of rankers: against all pairs, closed forms, definitions written out and SciPy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from turret.core.interactions import FloatArray, IntArray
from turret.evaluation.answers import Answers, Gathering
from turret.evaluation.labelled import LABELLED, auc, calibration, ece, gauc, logloss, mae, metrics_of, ne, rig, rmse, weighted_means
from turret.evaluation.metrics import LABELLED as NAMES


def answers_of(z: FloatArray, y: FloatArray, unit: IntArray, bins: int | None = None) -> Answers:
    gathering = Gathering(len(z), 1, {"units": int(unit.max()) + 1}, bins)
    for rows in np.array_split(np.arange(len(z)), 3):
        gathering.add(z[rows, None].astype(np.float32), y[rows, None], {"units": unit[rows]})
    return gathering.answers("units")[0]


Rows = tuple[FloatArray, FloatArray, IntArray]


@st.composite
def wild(draw: st.DrawFn) -> Rows:
    """Logits that tie and that saturate, labels that may be all alike, units each with a row."""
    n = draw(st.integers(1, 30))
    logits = draw(st.lists(st.sampled_from([-40.0, -1.0, 0.0, 0.5, 3.0, 800.0]), min_size=n, max_size=n))
    labels = draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=n, max_size=n))
    unit = np.unique(draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)), return_inverse=True)[1]
    return np.array(logits), np.array(labels), unit


def area(logits: FloatArray, labels: FloatArray) -> float:
    """The share of pairs in the right order, ties counted half, a pair at a time."""
    pairs = [float(one > zero) + (one == zero) / 2 for one in logits[labels == 1] for zero in logits[labels == 0]]
    return float(np.mean(pairs)) if pairs else math.nan


def mean(values: FloatArray | float, weights: FloatArray) -> float:
    return values if isinstance(values, float) else weighted_means({"it": values}, weights).get("it", math.nan)


def test_every_metric_has_a_definition() -> None:
    assert {*LABELLED, "ece"} == set(NAMES)


@settings(deadline=None, max_examples=150)
@given(wild())
def test_weighted_means_over_units_are_the_metrics(rows: Rows) -> None:
    z, y, unit = rows
    answers = answers_of(z, y, unit)
    p = np.array([1 / (1 + math.exp(-logit)) for logit in z])
    found = {name: mean(metric(answers), answers.rows) for name, metric in LABELLED.items()}
    assert found["auc"] == pytest.approx(area(z, y), abs=1e-9, nan_ok=True)
    assert found["mae"] == pytest.approx(np.abs(p - y).mean(), abs=1e-12)
    assert found["rmse"] == pytest.approx(math.sqrt(((p - y) ** 2).mean()), abs=1e-9)
    # log p of an event is its logit where the logit is so low that e^z is lost beside 1.
    log_likelihood = [-math.log1p(math.exp(-s)) if s > -30 else s for s in np.where(y == 1, z, -z)]
    assert found["logloss"] == pytest.approx(-np.mean(log_likelihood), rel=1e-12)
    q = y.mean()
    entropy = -sum(share * math.log(share) for share in (q, 1 - q) if share)
    normalised = -np.mean(log_likelihood) / entropy if entropy else math.nan
    assert found["ne"] == pytest.approx(normalised, rel=1e-9, nan_ok=True)
    assert found["rig"] == pytest.approx(1 - normalised, rel=1e-9, nan_ok=True)
    assert found["calibration"] == pytest.approx(p.sum() / y.sum() if y.any() else math.nan, rel=1e-9, nan_ok=True)
    areas = np.array([area(z[unit == row], y[unit == row]) for row in range(len(answers.rows))])
    assert gauc(answers) == pytest.approx(areas, abs=1e-12, nan_ok=True)


def test_gauc_weighs_users_by_their_impressions_and_leaves_out_one_sided_ones() -> None:
    unit = np.array([0, 0, 1, 1, 1, 1, 2, 2, 2])
    labels = np.array([1, 0, 1, 0, 0, 0, 1, 1, 1.0])
    logits = np.array([2, 1, 2, 3, 1, 1, 5, 6, 7.0])
    found = gauc(answers_of(logits, labels, unit))
    assert isinstance(found, np.ndarray)
    assert found.tolist() == pytest.approx([1.0, 2 / 3, math.nan], nan_ok=True)
    assert mean(found, np.array([2.0, 4.0, 3.0])) == pytest.approx((2 * 1 + 4 * 2 / 3) / 6)


def random_rows(n: int, unit: IntArray, seed: int) -> Rows:
    generator = np.random.default_rng(seed)
    labels = (generator.random(n) < 0.3).astype(float)
    return generator.normal(labels, 1.5).round(1).astype(np.float32).astype(float), labels, unit


def test_the_influences_on_auc_are_those_of_delong() -> None:
    z, y, unit = random_rows(400, np.arange(400), 1)
    ones = np.array([np.mean((one > z[y == 0]) + (one == z[y == 0]) / 2) for one in z[y == 1]])
    zeros = np.array([np.mean((zero < z[y == 1]) + (zero == z[y == 1]) / 2) for zero in z[y == 0]])
    delong = ones.var() / len(ones) + zeros.var() / len(zeros)
    found = auc(answers_of(z, y, unit))
    assert isinstance(found, np.ndarray) and found.var() / 400 == pytest.approx(delong, rel=1e-12)


@pytest.mark.parametrize("metric", [auc, rmse, ne, rig, calibration])
def test_influences_are_the_change_when_a_unit_gains_weight(metric: Callable[[Answers], FloatArray]) -> None:
    z, y, unit = random_rows(3000, np.sort(np.random.default_rng(2).integers(0, 60, 3000)), 3)
    answers = answers_of(z, y, unit)
    values, weights = metric(answers), answers.rows
    whole = mean(values, weights)
    for row in range(60):
        # The unit's impressions a second time: the metric moves by influence * weight / total, to first order.
        twice = np.concatenate([np.arange(3000), np.flatnonzero(unit == row)])
        moved = mean(metric(answers_of(z[twice], y[twice], np.zeros(len(twice), dtype=np.int64))), np.array([1.0])) - whole
        expected = (values[row] - whole) * weights[row] / (3000 + weights[row])
        assert moved == pytest.approx(expected, rel=0.1, abs=2e-4)
        assert np.sign(moved) == np.sign(expected)


def test_auc_is_the_mann_whitney_statistic() -> None:
    z, y, unit = random_rows(500, np.zeros(500, dtype=np.int64), 4)
    expected = stats.mannwhitneyu(z[y == 1], z[y == 0]).statistic / (y.sum() * (1 - y).sum())
    assert mean(auc(answers_of(z, y, unit)), np.ones(1)) == pytest.approx(expected, abs=1e-12)


def test_saying_the_share_of_clicks_has_no_information_and_is_calibrated() -> None:
    y = np.repeat([1.0, 0.0], [3, 9])
    answers = answers_of(np.full(12, math.log(3 / 9)), y, np.zeros(12, dtype=np.int64))
    found = {name: metrics_of(answers, name, 5)[0][name] for name in ("ne", "rig", "calibration", "ece", "auc")}
    assert found == pytest.approx({"ne": 1, "rig": 0, "calibration": 1, "ece": 0, "auc": 0.5}, abs=1e-6)


def test_ece_by_hand() -> None:
    p = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.8])
    y = np.array([0, 0, 1, 0, 1, 1.0])
    answers = answers_of(np.log(p / (1 - p)), y, np.zeros(6, dtype=np.int64))
    # three bins of two: |0.15 - 0|, |0.35 - 0.5|, |0.7 - 1|; one bin: |0.4 - 0.5|; as many bins as impressions: the mean of |p - y|
    assert ece(answers, 3) == pytest.approx((0.15 + 0.15 + 0.3) / 3, abs=1e-6)
    assert ece(answers, 1) == pytest.approx(0.1, abs=1e-6)
    assert ece(answers, 6) == pytest.approx(np.abs(p - y).mean(), abs=1e-6)


@settings(deadline=None, max_examples=100)
@given(wild(), st.integers(1, 12))
def test_ece_over_bins_that_keep_equal_predictions_together(rows: Rows, bins: int) -> None:
    z, y, unit = rows
    p = np.array([1 / (1 + math.exp(-logit)) for logit in z])
    members: dict[int, list[int]] = {}
    for level in sorted(set(z)):
        middle = (z < level).sum() + (z == level).sum() / 2
        members.setdefault(int(min(middle * bins // len(z), bins - 1)), []).extend(np.flatnonzero(z == level))
    expected = sum(abs(p[group].mean() - y[group].mean()) * len(group) for group in members.values()) / len(z)
    assert ece(answers_of(z, y, unit), bins) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.floats(width=32, allow_nan=False), st.sampled_from([0.0, 1.0])), min_size=1, max_size=60),
    st.sampled_from([2, 3, 10, 1000]),
)
def test_auc_in_bins_is_off_by_no_more_than_it_says(rows: list[tuple[float, float]], bins: int) -> None:
    z, y = np.array(rows).T
    exact, unit = area(z, y), np.zeros(len(z), dtype=np.int64)
    found, per_unit = metrics_of(answers_of(z, y, unit, bins), "auc", 5)
    assert per_unit is None
    if math.isnan(exact):
        assert found == {}
    else:
        assert abs(found["auc"] - exact) <= found["auc_error"] + 1e-12 and found["auc_error"] <= 0.5


def test_many_bins_leave_next_to_no_error_and_do_not_touch_the_sums() -> None:
    generator = np.random.default_rng(5)
    y = (generator.random(20_000) < 0.02).astype(float)
    z, unit = generator.normal(-4 + y, 1), generator.integers(0, 50, 20_000)
    kept, counted = answers_of(z, y, unit), answers_of(z, y, unit, 10_000)
    found = metrics_of(counted, "auc", 5)[0]
    assert found["auc_error"] < 1e-3 and abs(found["auc"] - mean(auc(kept), kept.rows)) <= found["auc_error"]
    assert ece(counted, 15) == pytest.approx(ece(kept, 15), abs=2e-5)
    for metric in (logloss, ne, rig, calibration, mae, rmse):
        assert np.array_equal(metric(counted), metric(kept))
    assert np.isnan(gauc(counted)).all()
    some = counted.of_units(np.array([3, 7]))
    assert np.isnan(auc(some)) and np.isnan(ece(some, 5)) and len(np.atleast_1d(logloss(some))) == 2


def test_infinite_logits_are_certain() -> None:
    z, unit = np.array([-math.inf, math.inf, math.inf, 0.0]), np.zeros(4, dtype=np.int64)
    right = answers_of(z, np.array([0, 1, 1, 1.0]), unit)
    assert mean(logloss(right), np.ones(1)) == pytest.approx(math.log(2) / 4) and mean(auc(right), np.ones(1)) == 1.0
    assert math.isinf(logloss(answers_of(z, np.array([1, 1, 1, 1.0]), unit))[0])  # type: ignore[index]
    assert metrics_of(answers_of(z, np.array([0, 1, 1, 1.0]), unit, 7), "auc", 5)[0] == {"auc": 1.0, "auc_error": 0.0}


def test_ratings_are_compared_to_the_output_itself() -> None:
    for bins in (None, 10):
        ratings = answers_of(np.array([3.5, 1.0]), np.array([4.0, 2.0]), np.array([0, 0]), bins)
        assert mean(mae(ratings), np.ones(1)) == 0.75 and mean(rmse(ratings), np.ones(1)) == pytest.approx(math.sqrt((0.25 + 1) / 2))
        assert all(np.isnan(metric(ratings)).all() for metric in (auc, gauc, logloss, ne, rig, calibration))
        assert math.isnan(ece(ratings, 5))  # type: ignore[arg-type]


def test_some_ratings_are_0_and_1_and_still_ratings() -> None:
    ratings = answers_of(np.array([3.0, 2.0]), np.array([5.0, 1.0]), np.array([0, 1]))
    assert mean(mae(ratings.of_units(np.array([1]))), np.ones(1)) == 1.0


def test_one_label_alone_has_no_area() -> None:
    clicks = answers_of(np.array([1.0, 2.0]), np.array([1.0, 1.0]), np.array([0, 1]))
    assert np.isnan(auc(clicks)).all() and np.isnan(gauc(clicks)).all() and np.isnan(ne(clicks)) and np.isfinite(logloss(clicks)).all()
    shown = answers_of(np.array([1.0, 2.0]), np.array([0.0, 0.0]), np.array([0, 1]))
    assert np.isnan(calibration(shown)) and np.isnan(rig(shown))


def test_nothing_at_all_has_no_metrics() -> None:
    nothing = Gathering(0, 1, {"units": 0}, None).answers("units")[0]
    assert all(metrics_of(nothing, name, 5) == ({}, None) for name in NAMES)
