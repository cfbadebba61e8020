from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.interactions import Interactions
from turret.graphs import cooccurrence
from turret.graphs.cooccurrence import item_graph

N_USERS, N_ITEMS = 6, 7


def random_log(n: int, seed: int) -> Interactions:
    generator = np.random.default_rng(seed)
    users = np.sort(generator.integers(0, N_USERS, n))
    return Interactions(users, generator.integers(0, N_ITEMS, n), N_USERS, N_ITEMS)


def expected(log: Interactions, count: int) -> list[list[tuple[int, float]]]:
    """Each item's best neighbours with their omega, by counting users."""
    taken = [{int(user) for user, item in zip(log.user, log.item, strict=True) if item == wanted} for wanted in range(N_ITEMS)]
    g = [sum(len(taken[i] & taken[k]) for k in range(N_ITEMS)) for i in range(N_ITEMS)]
    found = []
    for i in range(N_ITEMS):
        omega = {
            j: len(taken[i] & taken[j]) / (g[i] - len(taken[i])) * math.sqrt(g[i] / g[j])
            for j in range(N_ITEMS)
            if j != i and taken[i] & taken[j]
        }
        best = sorted(omega.items(), key=lambda pair: (-pair[1], pair[0]))[:count]
        found.append(best + [(i, 0.0)] * (count - len(best)))
    return found


@given(n=st.integers(0, 40), count=st.integers(1, 8), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=60)
def test_the_strongest_neighbours_are_those_of_counting(n: int, count: int, seed: int) -> None:
    log = random_log(n, seed)
    ids, weights = item_graph(log, count)
    for item, best in enumerate(expected(log, count)):
        np.testing.assert_allclose(weights[item].numpy(), [weight for _, weight in best], rtol=1e-6)
        distinct = {round(weight, 9) for _, weight in best}
        if len(distinct) == len(best):  # rounding may turn equal ones round
            assert ids[item].tolist() == [other for other, _ in best]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log = random_log(30, 1)
    whole = item_graph(log, 3)
    monkeypatch.setattr(cooccurrence, "BLOCK", 2)
    for one, other in zip(whole, item_graph(log, 3), strict=True):
        assert np.array_equal(one.numpy(), other.numpy())
