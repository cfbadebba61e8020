"""The probabilities that the truth states, against sums, closed forms and each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from turret.data.simulate import Simulation, Truth
from turret.data.simulate.draw import draw
from turret.data.simulate.truth import RATING_SHARES

SMALL = Simulation(users=300, items=400, interactions=15_000, tastes=12, communities=6)


@pytest.fixture(scope="module")
def truth() -> Truth:
    return draw(SMALL, seed=3)


def test_everyones_taste_is_a_distribution(truth: Truth) -> None:
    taste = truth.taste(np.arange(300))
    assert taste.shape == (300, 400)
    assert np.allclose(taste.sum(axis=1), 1)
    # popularity keeps every item within reach
    assert (taste >= SMALL.popular * truth.popularity * (1 - 1e-12)).all()


def test_the_law_of_the_next_item_is_a_distribution(truth: Truth) -> None:
    users, last = np.arange(50), np.concatenate([[-1], np.arange(49)])
    law = truth.next(users, last)
    assert np.allclose(law.sum(axis=1), 1)
    assert np.allclose(law[0], truth.taste(users[:1])[0])
    followed = np.zeros(400)
    np.add.at(followed, truth.successors[last[7]], truth.successor_shares)
    assert np.allclose(law[7], (1 - SMALL.transition) * truth.taste(users[7:8])[0] + SMALL.transition * followed)


def test_lift_is_taste_over_popularity(truth: Truth) -> None:
    users, items = np.repeat(np.arange(300), 3), np.arange(900) % 400
    assert np.allclose(truth.lift(users, items), truth.taste(users)[np.arange(900), items] / truth.popularity[items])


def test_ratings_are_a_cut_normal_opinion(truth: Truth) -> None:
    users, items = np.arange(300), np.arange(300)
    probabilities = truth.rating_probabilities(users, items)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities > 0).all()
    opinion, cut = truth.opinion(users, items), truth.scale.thresholds
    assert np.allclose(probabilities[:, 1], norm.cdf(cut[1] - opinion) - norm.cdf(cut[0] - opinion))
    for least in (2, 3, 4, 5):
        assert np.allclose(expit(truth.like_logit(users, items, least)), probabilities[:, least - 1 :].sum(axis=1))


def test_a_click_is_less_likely_further_down_the_page(truth: Truth) -> None:
    users, items = np.arange(300), np.arange(300)
    first, last = (truth.click_logit(users, items, np.full(300, position)) for position in (1, 10))
    assert np.allclose(first - last, 9 * 0.15)


def test_the_same_seed_draws_the_same_world_and_another_seed_another(truth: Truth) -> None:
    again, other = draw(SMALL, seed=3), draw(SMALL, seed=4)
    assert again.scale == truth.scale
    assert all(np.array_equal(getattr(again, name), getattr(truth, name)) for name in ("tastes", "shares", "successors", "lengths"))
    assert not np.array_equal(other.successors, truth.successors)


def test_activity_adds_up_to_what_is_asked(truth: Truth) -> None:
    assert truth.lengths.sum() == pytest.approx(SMALL.interactions, rel=0.005)
    assert truth.lengths.min() >= 3
    assert truth.lengths.max() <= 0.4 * SMALL.items
    assert sum(RATING_SHARES) == pytest.approx(1)


@pytest.mark.parametrize("size", [1_000, 100_000, 10_000_000, 100_000_000])
def test_every_size_up_to_a_hundred_million_is_possible(size: int) -> None:
    settings = Simulation.sized(size)
    assert settings.interactions == size
    assert 50 < size / settings.users < 120


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be drawn from 100 items"):
        Simulation(users=10, items=100, interactions=1_000)
    with pytest.raises(ValueError, match="cannot be of 24 tastes"):
        Simulation(users=10, items=20, interactions=60)
