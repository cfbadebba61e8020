"""Metrics of rankers: against all pairs, closed forms and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from turret.core.interactions import FloatArray, IntArray
from turret.evaluation.labelled import LABELLED, Answers, auc, gauc, logloss, mae, rmse


@st.composite
def answers(draw: st.DrawFn) -> Answers:
    n = draw(st.integers(1, 30))
    logits = draw(st.lists(st.sampled_from([-40.0, -1.0, 0.0, 0.5, 3.0, 800.0]), min_size=n, max_size=n))
    labels = draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=n, max_size=n))
    user = np.unique(draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)), return_inverse=True)[1]
    return Answers(np.array(logits), np.array(labels), user, int(user.max()) + 1)


def area(logits: FloatArray, labels: FloatArray) -> float:
    """The share of pairs in the right order, ties counted half, a pair at a time."""
    pairs = [float(one > zero) + (one == zero) / 2 for one in logits[labels == 1] for zero in logits[labels == 0]]
    return float(np.mean(pairs)) if pairs else math.nan


def mean(values: FloatArray, weights: FloatArray) -> float:
    counted = np.isfinite(values)
    return float(np.average(values[counted], weights=weights[counted])) if counted.any() else math.nan


@settings(deadline=None, max_examples=150)
@given(answers())
def test_weighted_means_over_users_are_the_metrics(given_answers: Answers) -> None:
    z, y, user = given_answers.logits, given_answers.labels, given_answers.user
    p = np.array([1 / (1 + math.exp(-logit)) for logit in z])
    found = {name: mean(metric(given_answers), given_answers.weights) for name, metric in LABELLED.items()}
    assert found["auc"] == pytest.approx(area(z, y), abs=1e-9, nan_ok=True)
    assert found["mae"] == pytest.approx(np.abs(p - y).mean(), abs=1e-12)
    assert found["rmse"] == pytest.approx(math.sqrt(((p - y) ** 2).mean()), abs=1e-9)
    # log p of an event is its logit where the logit is so low that e^z is lost beside 1.
    log_likelihood = [-math.log1p(math.exp(-s)) if s > -30 else s for s in np.where(y == 1, z, -z)]
    assert found["logloss"] == pytest.approx(-np.mean(log_likelihood), rel=1e-12)
    areas = np.array([area(z[user == row], y[user == row]) for row in range(given_answers.n_users)])
    assert gauc(given_answers) == pytest.approx(areas, abs=1e-12, nan_ok=True)


def test_gauc_weighs_users_by_their_impressions_and_leaves_out_one_sided_ones() -> None:
    user = np.array([0, 0, 1, 1, 1, 1, 2, 2, 2])
    labels = np.array([1, 0, 1, 0, 0, 0, 1, 1, 1.0])
    logits = np.array([2, 1, 2, 3, 1, 1, 5, 6, 7.0])
    found = gauc(Answers(logits, labels, user, 3))
    assert found.tolist() == pytest.approx([1.0, 2 / 3, math.nan], nan_ok=True)
    assert mean(found, np.array([2.0, 4.0, 3.0])) == pytest.approx((2 * 1 + 4 * 2 / 3) / 6)


def random_answers(n: int, user: IntArray, seed: int) -> Answers:
    generator = np.random.default_rng(seed)
    labels = (generator.random(n) < 0.3).astype(float)
    return Answers(generator.normal(labels, 1.5).round(1), labels, user, int(user.max()) + 1)


def test_the_influences_on_auc_are_those_of_delong() -> None:
    given_answers = random_answers(400, np.arange(400), 1)
    z, y = given_answers.logits, given_answers.labels
    ones = np.array([np.mean((one > z[y == 0]) + (one == z[y == 0]) / 2) for one in z[y == 1]])
    zeros = np.array([np.mean((zero < z[y == 1]) + (zero == z[y == 1]) / 2) for zero in z[y == 0]])
    delong = ones.var() / len(ones) + zeros.var() / len(zeros)
    assert auc(given_answers).var() / 400 == pytest.approx(delong, rel=1e-12)


@pytest.mark.parametrize("metric", [auc, rmse])
def test_influences_are_the_change_when_a_user_gains_weight(metric: object) -> None:
    user = np.sort(np.random.default_rng(2).integers(0, 6, 300))
    given_answers = random_answers(300, user, 3)
    values, weights = LABELLED[metric.__name__](given_answers), given_answers.weights
    whole = mean(values, weights)
    for row in range(6):
        # The user's impressions a second time: the metric moves by influence * weight / total, to first order.
        twice = np.concatenate([np.arange(300), np.flatnonzero(user == row)])
        grown = Answers(given_answers.logits[twice], given_answers.labels[twice], np.zeros(len(twice), dtype=np.int64), 1)
        moved = LABELLED[metric.__name__](grown)[0] - whole
        assert moved == pytest.approx((values[row] - whole) * weights[row] / (300 + weights[row]), abs=0.003)
        assert np.sign(moved) == np.sign(values[row] - whole)


def test_auc_is_the_mann_whitney_statistic() -> None:
    given_answers = random_answers(500, np.zeros(500, dtype=np.int64), 4)
    z, y = given_answers.logits, given_answers.labels
    expected = stats.mannwhitneyu(z[y == 1], z[y == 0]).statistic / (y.sum() * (1 - y).sum())
    assert auc(given_answers)[0] == pytest.approx(expected, abs=1e-12)


def test_ratings_are_compared_to_the_output_itself() -> None:
    ratings = Answers(np.array([3.5, 1.0]), np.array([4.0, 2.0]), np.array([0, 0]), 1)
    assert mae(ratings)[0] == 0.75 and rmse(ratings)[0] == pytest.approx(math.sqrt((0.25 + 1) / 2))
    assert all(np.isnan(metric(ratings)).all() for metric in (auc, gauc, logloss))


def test_one_label_alone_has_no_area() -> None:
    clicks = Answers(np.array([1.0, 2.0]), np.array([1.0, 1.0]), np.array([0, 1]), 2)
    assert np.isnan(auc(clicks)).all() and np.isnan(gauc(clicks)).all() and np.isfinite(logloss(clicks)).all()
