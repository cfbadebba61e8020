"""Paired tests: against SciPy, against all sign flips, and against chance."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from turret.core.errors import InputError
from turret.evaluation.evaluated import Audience, Evaluated
from turret.evaluation.significance import compare, paired_t, sign_flips


def evaluated(users: list[int], part: str = "test", weights: list[float] | None = None, **per_user: list[float]) -> Evaluated:
    values = {name: np.array(column, dtype=float) for name, column in per_user.items()}
    weight = None if weights is None else np.array(weights)
    return Evaluated("data", part, "full", {}, np.array(users), values, Audience(len(users)), weight)


def test_the_t_test_is_scipys() -> None:
    differences = np.random.default_rng(0).normal(0.1, 1.0, 60)
    assert paired_t(differences) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=1e-10)
    assert paired_t(np.zeros(5)) == 1.0 and paired_t(np.ones(5)) == 0.0 and np.isnan(paired_t(np.ones(1)))


def test_random_signs_approach_all_signs() -> None:
    differences = np.random.default_rng(1).normal(0.5, 1.0, 12)
    sums = np.array([abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=12)])
    exact = (sums >= abs(differences.sum()) - 1e-12).mean()
    assert sign_flips(differences, 40_000, seed=0) == pytest.approx(exact, abs=0.01)
    assert sign_flips(np.zeros(8), 100) == 1.0 and np.isnan(sign_flips(np.empty(0)))
    assert sign_flips(np.full(40, 0.1), 999) == pytest.approx(1 / 1000), "the observed signs are a sample too"


def test_by_chance_alone_5_of_100_are_below_5_percent() -> None:
    generator = np.random.default_rng(2)
    p = np.array([sign_flips(generator.standard_t(3, 40), 200, seed) for seed in range(400)])
    assert 0.02 <= (p <= 0.05).mean() <= 0.085


def test_many_users_flip_in_bundles() -> None:
    differences = np.random.default_rng(3).normal(0.01, 1.0, 40_000)
    assert sign_flips(differences, 2000) == pytest.approx(paired_t(differences), abs=0.03)


def test_runs_are_paired_by_user() -> None:
    first = evaluated([1, 2, 3, 5], hit=[0, 0, 1, 1], gone=[1, 1, 1, 1])
    second = evaluated([5, 3, 2, 9], hit=[1, 1, 1, 0])
    (found,) = compare(first, second, samples=500)
    assert (found.metric, found.users, found.first, found.second) == ("hit", 3, pytest.approx(2 / 3), 1.0)
    assert found.difference == pytest.approx(1 / 3) and found.interval is not None and found.interval[0] <= 1 / 3 <= found.interval[1]
    (same,) = compare(second, second, samples=100)
    assert same.difference == 0 and same.t_test == same.randomisation == 1.0 and same.interval == (0.0, 0.0)


def test_weights_and_gaps() -> None:
    first = evaluated([1, 2, 3], weights=[1, 2, 5], gauc=[0.5, 0.5, np.nan])
    second = evaluated([1, 2, 3], weights=[1, 2, 5], gauc=[0.5, 0.8, 0.9])
    (found,) = compare(first, second, samples=100)
    assert (found.users, found.first, found.difference) == (2, 0.5, pytest.approx(0.2))


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(InputError, match="different data"):
        compare(evaluated([1], hit=[1]), evaluated([1], part="valid", hit=[1]))
    with pytest.raises(InputError, match="different data"):
        compare(evaluated([1], hit=[1]), replace(evaluated([1], hit=[1]), protocol="uniform"))
    with pytest.raises(InputError, match="in common"):
        compare(evaluated([1], hit=[1]), evaluated([2], hit=[1]))
    with pytest.raises(InputError, match="in common"):
        compare(evaluated([1], hit=[1]), evaluated([1], mrr=[1]))
