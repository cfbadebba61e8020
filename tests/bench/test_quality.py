"""The one definition of quality by which all sides of the benchmarks are judged, beside the plain way to compute it."""

from __future__ import annotations

from itertools import product
from math import log, log2

import numpy as np
import pytest
from bench.peers.sides.stand import best_of, label_quality, ranking_quality
from hypothesis import given, settings
from hypothesis import strategies as st

ITEMS, PLACES = 9, 4


def plainly(asked: list[int], lists: list[list[int]], pairs: set[tuple[int, int]], at: int) -> tuple[float, float]:
    recalls, gains = [], []
    for user, items in zip(asked, lists, strict=True):
        wanted = {item for owner, item in pairs if owner == user}
        if wanted:
            hits = [item in wanted for item in items[:at]]
            recalls.append(sum(hits) / len(wanted))
            ideal = sum(1 / log2(place + 2) for place in range(min(at, len(wanted))))
            gains.append(sum(1 / log2(place + 2) for place, hit in enumerate(hits) if hit) / ideal)
    return sum(recalls) / len(recalls), sum(gains) / len(gains)


@st.composite
def rankings(draw: st.DrawFn) -> tuple[list[int], list[list[int]], set[tuple[int, int]]]:
    """Users who are asked, lists that may end early, and pairs to find, at least one of an asked user's."""
    asked = sorted(draw(st.sets(st.integers(0, 6), min_size=1)))
    lists = []
    for _ in asked:
        items = draw(st.lists(st.integers(0, ITEMS - 1), unique=True, max_size=PLACES + 1))
        lists.append(items + [-1] * (PLACES + 1 - len(items)))
    pairs = draw(st.sets(st.tuples(st.integers(0, 6), st.integers(0, ITEMS - 1)), max_size=20))
    return asked, lists, pairs | {(asked[0], draw(st.integers(0, ITEMS - 1)))}


@settings(deadline=None)
@given(rankings())
def test_recall_and_ndcg_are_those_of_the_textbook(ranking: tuple[list[int], list[list[int]], set[tuple[int, int]]]) -> None:
    asked, lists, pairs = ranking
    user, item = np.array(sorted(pairs)).T
    found = ranking_quality(np.array(asked), np.array(lists), user, item, PLACES)
    assert list(found) == [f"recall@{PLACES}", f"ndcg@{PLACES}"]
    assert list(found.values()) == pytest.approx(plainly(asked, lists, pairs, PLACES))


def test_a_pair_that_is_told_twice_counts_once() -> None:
    once = ranking_quality(np.array([3]), np.array([[1, 2]]), np.array([3, 3]), np.array([2, 5]), 2)
    assert once == ranking_quality(np.array([3]), np.array([[1, 2]]), np.array([3, 3, 3]), np.array([2, 5, 5]), 2)
    assert once["recall@2"] == 0.5


def test_a_list_that_ends_early_finds_nothing_of_another_user() -> None:
    # User 0 has the last item, whose number lies just before those of user 1.
    found = ranking_quality(np.array([0, 1]), np.array([[0, 1], [-1, -1]]), np.array([0, 1]), np.array([2, 0]), 2)
    assert found == {"recall@2": 0.0, "ndcg@2": 0.0}


def test_the_best_items_leave_out_what_was_seen() -> None:
    scores = np.random.default_rng(0).random((5, 30)).astype(np.float32)
    rows, items = np.array([0, 0, 3]), np.array([scores[0].argmax(), 4, scores[3].argmax()])
    left = scores.copy()
    left[rows, items] = -np.inf
    assert (best_of(scores, (rows, items), 7) == np.argsort(-left, axis=1)[:, :7]).all()


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=1, max_size=40))
def test_auc_and_log_loss_with_ties_are_those_of_all_pairs(rows: list[tuple[bool, float]]) -> None:
    rows = [*rows, (True, 0.5), (False, 0.25)]
    found = label_quality(*(np.array(column, dtype=np.float32) for column in zip(*rows, strict=True)))
    right, wrong = ([predicted for label, predicted in rows if label is wanted] for wanted in (True, False))
    wins = [1.0 if high > low else 0.5 if high == low else 0.0 for high, low in product(right, wrong)]
    sure = [min(max(predicted, 1e-7), 1 - 1e-7) for _, predicted in rows]
    losses = [-log(chance if label else 1 - chance) for (label, _), chance in zip(rows, sure, strict=True)]
    assert found["auc"] == pytest.approx(sum(wins) / len(wins))
    assert found["logloss"] == pytest.approx(sum(losses) / len(losses), rel=1e-5)
