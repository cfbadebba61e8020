"""What the simulator wrote down, against the probabilities that it states."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import chi2

from turret.data.simulate import Simulation, Truth, log
from turret.data.simulate.draw import draw
from turret.data.simulate.log import Block
from turret.data.simulate.truth import PAGE, RATING_SHARES

SETTINGS = Simulation(users=400, items=300, interactions=16_000, tastes=10, communities=5)


@pytest.fixture(scope="module")
def truth() -> Truth:
    return draw(SETTINGS, seed=11)


@pytest.fixture(scope="module")
def rated(truth: Truth) -> Block:
    return next(log.ratings(truth))


@pytest.fixture(scope="module")
def shown(truth: Truth) -> Block:
    return next(log.impressions(truth))


def test_no_one_has_an_item_twice_and_time_moves_on(rated: Block, shown: Block, truth: Truth) -> None:
    for block in (rated, shown):
        assert len(np.unique(block.users * 300 + block.items)) == len(block.users)
        assert np.array_equal(np.bincount(block.users), truth.lengths)
        assert (np.diff(block.times)[np.diff(block.users) == 0] > 0).all()
        assert (np.diff(block.users) >= 0).all()


def test_each_next_item_follows_the_stated_law(rated: Block, truth: Truth) -> None:
    """The quantile of each choice within its law, randomised where the law jumps, is uniform: a chi-square test over all choices."""
    rng = np.random.default_rng(0)
    quantiles = []
    for user in range(400):
        items = rated.items[rated.users == user]
        law = truth.next(np.full(len(items), user), np.concatenate([[-1], items[:-1]]))
        for step, item in enumerate(items):
            left = law[step].copy()
            left[items[:step]] = 0
            # the least likely first, so that too much or too little of the head shows at the ends
            order = np.argsort(left, kind="stable")
            below = left[order[: np.flatnonzero(order == item)[0]]].sum()
            quantiles.append((below + rng.random() * left[item]) / left.sum())
    counts = np.histogram(quantiles, bins=40, range=(0, 1))[0]
    expected = len(quantiles) / 40
    assert ((counts - expected) ** 2 / expected).sum() < chi2.ppf(0.9999, 39)


def test_transitions_happen_as_often_as_the_law_says(rated: Block, truth: Truth) -> None:
    expected = happened = variance = 0.0
    for user in range(200):
        items = rated.items[rated.users == user]
        law = truth.next(np.full(len(items), user), np.concatenate([[-1], items[:-1]]))
        for step in range(1, len(items)):
            left = law[step].copy()
            left[items[:step]] = 0
            share = left[np.unique(truth.successors[items[step - 1]])].sum() / left.sum()
            expected, variance = expected + share, variance + share * (1 - share)
            happened += items[step] in truth.successors[items[step - 1]]
    assert abs(happened - expected) < 4 * variance**0.5
    assert happened > 0.2 * 200 * 40


def test_ratings_follow_their_probabilities(rated: Block, truth: Truth) -> None:
    probabilities = truth.rating_probabilities(rated.users, rated.items)
    for group in (rated.items % 2 == 0, truth.quality[rated.items] > 0.5, truth.generosity[rated.users] < -0.5):
        expected = probabilities[group].sum(axis=0)
        counts = np.bincount(rated.outcomes[group], minlength=6)[1:]
        # rows have different probabilities, which only makes the counts vary less than a multinomial's
        assert ((counts - expected) ** 2 / expected).sum() < chi2.ppf(0.9999, 4)
    assert np.allclose(np.bincount(rated.outcomes, minlength=6)[1:] / len(rated.outcomes), RATING_SHARES, atol=0.02)


def test_clicks_are_calibrated(shown: Block, truth: Truth) -> None:
    assert shown.positions is not None
    assert set(shown.positions) == set(range(1, PAGE + 1))
    probability = expit(truth.click_logit(shown.users, shown.items, shown.positions))
    assert shown.outcomes.mean() == pytest.approx(SETTINGS.click_rate, abs=0.015)
    for tenth in np.array_split(np.argsort(probability), 10):
        spread = (probability[tenth] * (1 - probability[tenth])).sum() ** 0.5
        assert abs(shown.outcomes[tenth].sum() - probability[tenth].sum()) < 4 * spread


def test_the_default_has_the_shape_of_movielens() -> None:
    truth = draw(Simulation(), seed=0)
    block = next(log.ratings(truth))
    counts, activity = np.sort(np.bincount(block.items, minlength=1682)), np.sort(truth.lengths)
    assert len(block.users) == pytest.approx(100_000, rel=0.005)
    # MovieLens 100K: most rated film 583 of 943 users, median film 27, Gini 0.63; users 20 to 737, median 65, Gini 0.47
    assert 400 < counts[-1] < 750
    assert 15 < np.median(counts) < 45
    assert 0.5 < gini(counts) < 0.7
    assert 18 <= activity[0] <= 25
    assert 50 < np.median(activity) < 80
    assert 0.4 < gini(activity) < 0.55
    assert 120 < (block.times.max() - block.times.min()) / 86_400 < 700


def gini(ascending: np.ndarray) -> float:
    n = len(ascending)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ascending / (n * ascending.sum()))


def test_blocks_come_one_by_one_and_do_not_depend_on_who_follows() -> None:
    long = draw(Simulation(users=10_000, items=200, interactions=100_000, tastes=10), seed=2)
    blocks = list(itertools.islice(log.ratings(long), 2))
    assert [block.users[0] for block in blocks] == [0, 4096]
    assert blocks[0].users[-1] == 4095
    again = next(log.ratings(long))
    assert np.array_equal(again.items, blocks[0].items)
    assert np.array_equal(again.outcomes, blocks[0].outcomes)
