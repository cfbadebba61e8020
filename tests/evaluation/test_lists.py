"""Metrics beyond accuracy, against loops over lists and pairs."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.interactions import Interactions
from turret.evaluation.lists import ListMetrics

ITEMS = 8


@st.composite
def logs_and_lists(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[list[int]]]:
    log = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, ITEMS - 1)), max_size=25))
    users = draw(st.lists(st.permutations(range(ITEMS)), min_size=1, max_size=4))
    return sorted(log), [list(items)[: draw(st.integers(0, ITEMS))] for items in users]


@settings(deadline=None, max_examples=100)
@given(logs_and_lists())
def test_definitions(drawn: tuple[list[tuple[int, int]], list[list[int]]]) -> None:
    log, lists = drawn
    table = np.array(log, dtype=np.int32).reshape(-1, 2)
    metrics = ListMetrics(Interactions(table[:, 0], table[:, 1], 5, ITEMS))
    padded = np.array([row + [-1] * (ITEMS - len(row)) for row in lists])
    takers = {item: {user for user, taken in log if taken == item} for item in range(ITEMS)}

    often = [sum(item in row for row in lists) for item in range(ITEMS)]
    assert metrics.value("coverage", padded) == sum(count > 0 for count in often) / ITEMS
    spread = sum(abs(one - other) for one in often for other in often) / (2 * ITEMS * sum(often)) if sum(often) else math.nan
    assert metrics.value("gini", padded) == pytest.approx(spread, nan_ok=True)

    def of_each(value: object) -> object:
        return pytest.approx([np.mean([value(item) for item in row]) if row else math.nan for row in lists], nan_ok=True)

    assert metrics.value("popularity", padded) == of_each(lambda item: len(takers[item]))
    assert metrics.value("novelty", padded) == of_each(lambda item: -math.log2(len(takers[item]) / 5) if takers[item] else math.log2(5))

    def unlike(one: int, other: int) -> float:
        sizes = len(takers[one]) * len(takers[other])
        return 1 - len(takers[one] & takers[other]) / math.sqrt(sizes) if sizes else 1.0

    diversity = [np.mean([unlike(*pair) for pair in combinations(row, 2)]) if len(row) > 1 else math.nan for row in lists]
    assert metrics.value("diversity", padded) == pytest.approx(diversity, nan_ok=True)


def test_extremes() -> None:
    pairs = np.array([(user, item) for user in range(3) for item in range(4)], dtype=np.int32)
    metrics = ListMetrics(Interactions(pairs[:, 0], pairs[:, 1], 3, 4))
    everything = np.tile(np.arange(4), (2, 1))
    assert metrics.value("coverage", everything) == 1.0 and metrics.value("gini", everything) == 0.0
    assert metrics.value("novelty", everything) == pytest.approx([0, 0]), "everybody has them all"
    assert metrics.value("diversity", everything) == pytest.approx([0, 0]), "by the same users"
    assert metrics.value("gini", np.zeros((9, 1), dtype=np.int64)) == pytest.approx(1 - 1 / 4), "one item has everything"
