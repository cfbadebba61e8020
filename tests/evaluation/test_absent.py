"""What nobody contributes to is absent: not 0, not NaN. Groups, metrics of rankers, bins and tests against counting by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.core.interactions import Interactions
from turret.data.prepared import Prepared
from turret.evaluation import groups, intervals
from turret.evaluation.answers import Answers, Bins, Gathering, Levels
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluated import Audience, Evaluated
from turret.evaluation.evaluator import Evaluator
from turret.evaluation.groups import UNSEEN, Grouping, by_activity, by_popularity, of_users
from turret.evaluation.labelled import metrics_of
from turret.evaluation.metrics import LABELLED
from turret.evaluation.reliability import Reliability
from turret.evaluation.significance import compare

VALUES = st.sampled_from([0.0, 0.25, 1.0, math.nan])


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 3), VALUES, VALUES), max_size=12))
def test_groups_of_users_are_those_that_have_users(rows: list[tuple[int, float, float]]) -> None:
    grouping = Grouping(("a", "b", "c", UNSEEN), np.array([group for group, _, _ in rows], dtype=np.int64))
    columns = {"gauc": np.array([row[1] for row in rows]), "recall@1": np.array([row[2] for row in rows])}
    found = of_users(grouping, np.arange(len(rows)), columns)
    for chosen, name in enumerate(grouping.names):
        mine = [row for row in rows if row[0] == chosen]
        expected = {"users": float(len(mine))}
        for at, metric in ((1, "gauc"), (2, "recall@1")):
            counted = [row[at] for row in mine if not math.isnan(row[at])]
            if counted:
                expected[metric] = pytest.approx(sum(counted) / len(counted))  # type: ignore[assignment]
        assert found.get(name) == (expected if mine else None)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_groups_of_items_are_those_that_somebody_asks_for(
    world: Callable[..., Prepared], given_scores: Callable[..., object], data: st.DataObject
) -> None:
    users, items = data.draw(st.integers(1, 4)), data.draw(st.integers(2, 7))
    pairs = st.sets(st.tuples(st.integers(0, users - 1), st.integers(0, items - 1)), min_size=1, max_size=9)
    train, test = sorted(data.draw(pairs)), sorted(data.draw(pairs))
    scores = [[float((user * 7 + item * 3) % 5) for item in range(items)] for user in range(users)]
    prepared = world({"train": train, "test": test}, users, items)
    found = Evaluator(prepared, "test", Evaluation(cutoff=2, test_metrics="recall", bootstrap_samples=0))(given_scores(scores))
    popularity = by_popularity(prepared.train, items)
    assert found.lists is not None
    named = {user: row.tolist() for user, row in zip(found.users.tolist(), found.lists, strict=True)}
    expected = {}
    for chosen, name in enumerate(popularity.names):
        asked = {
            user: {item for who, item in test if who == user and (who, item) not in train and popularity.of[item] == chosen}
            for user in named
        }
        shares = [len(right & set(named[user])) / len(right) for user, right in asked.items() if right]
        if shares:
            expected[name] = {"users": float(len(shares)), "recall@2": pytest.approx(np.mean(shares))}
    assert found.groups[groups.ITEM_POPULARITY] == expected
    json.dumps(found.summary(), allow_nan=False)


def test_a_training_part_without_rows_has_groups_of_what_it_never_saw() -> None:
    nothing = Interactions(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32), 3, 2)
    for grouping, size in ((by_activity(nothing, 3), 3), (by_popularity(nothing, 2), 2), (by_popularity(nothing, 0), 0)):
        assert grouping.names == (UNSEEN,) and grouping.of.tolist() == [0] * size


@st.composite
def answered(draw: st.DrawFn) -> tuple[list[tuple[float, float, int]], Answers]:
    labels = draw(st.sampled_from([(0.0,), (1.0,), (0.0, 1.0), (0.0, 1.0, 2.5)]))
    rows = draw(st.lists(st.tuples(st.sampled_from([-9.0, -1.0, 0.0, 2.0]), st.sampled_from(labels), st.integers(0, 2)), max_size=9))
    logits, given_labels, unit = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.empty(0),) * 3
    units = np.unique(unit, return_inverse=True)[1].astype(np.int64)
    bins = draw(st.sampled_from([None, 5]))
    gathering = Gathering(len(rows), 1, {"": int(units.max(initial=-1)) + 1}, bins)
    gathering.add(logits[:, None].astype(np.float32), given_labels[:, None].astype(np.float32), {"": units})
    return rows, gathering.answers("")[0]


@settings(deadline=None, max_examples=300)
@given(answered(), st.integers(1, 4))
def test_a_metric_of_a_ranker_exists_where_it_is_defined(drawn: tuple[list[tuple[float, float, int]], Answers], bins: int) -> None:
    rows, answers = drawn
    labels = {label for _, label, _ in rows}
    answer, both = bool(rows) and labels <= {0.0, 1.0}, labels == {0.0, 1.0}
    of_users = [{label for _, label, who in rows if who == user} for user in range(3)]
    exists = (
        dict.fromkeys(("rmse", "mae"), bool(rows)) | dict.fromkeys(("logloss", "ece"), answer) | dict.fromkeys(("ne", "rig", "auc"), both)
    )
    exists["calibration"] = answer and 1.0 in labels
    exists["gauc"] = both and answers.kept is not None and {0.0, 1.0} in of_users
    for name in LABELLED:
        found, of_unit = metrics_of(answers, name, bins)
        assert (name in found) == exists[name], name
        assert all(math.isfinite(value) for value in found.values())
        assert of_unit is None or exists[name] or np.isnan(of_unit).all()
    if exists["logloss"]:
        p = [1 / (1 + math.exp(-z)) for z, _, _ in rows]
        loss = np.mean([-math.log(q if label else 1 - q) for q, (_, label, _) in zip(p, rows, strict=True)])
        assert metrics_of(answers, "logloss", bins)[0]["logloss"] == pytest.approx(loss)
    if answer and answers.levels is not None:
        reliability = Reliability.of(answers.levels, bins)
        assert 1 <= len(reliability.bins) <= bins and all(one.rows > 0 for one in reliability.bins)
        assert sum(one.rows for one in reliability.bins) == sum(reliability.histogram) + reliability.beyond == len(rows)
        assert all(math.isfinite(value) for one in reliability.bins for value in one)


def evaluated(users: list[int], weights: list[float] | None = None, **per_user: list[float]) -> Evaluated:
    values = {name: np.array(column, dtype=float) for name, column in per_user.items()}
    return Evaluated("d", "test", "full", {}, np.array(users), values, Audience(len(users)), None if weights is None else np.array(weights))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(VALUES, VALUES, VALUES, VALUES), min_size=1, max_size=5))
def test_a_comparison_exists_where_two_users_have_the_metric_in_both(rows: list[tuple[float, float, float, float]]) -> None:
    one, other = ({"a": [row[at] for row in rows], "b": [row[at + 1] for row in rows]} for at in (0, 2))
    pairs = {name: [(x, y) for x, y in zip(one[name], other[name], strict=True) if not math.isnan(x + y)] for name in one}
    users = list(range(len(rows)))
    expected = {name: len(both) for name, both in pairs.items() if len(both) > 1}
    if not expected:
        with pytest.raises(InputError, match="in common"):
            compare(evaluated(users, **one), evaluated(users, **other), samples=20)
        return
    found = compare(evaluated(users, **one), evaluated(users, **other), samples=20)
    assert {each.metric: each.users for each in found} == expected
    for each in found:
        assert all(math.isfinite(value) for value in (each.first, each.second, each.t_test, each.randomisation, *(each.interval or ())))
        assert each.first == pytest.approx(np.mean([x for x, _ in pairs[each.metric]]))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(VALUES, st.sampled_from([1.0, 3.0])), max_size=6), st.integers(0, 9))
def test_an_interval_exists_where_somebody_counts(rows: list[tuple[float, float]], samples: int) -> None:
    values, weights = (np.array([row[at] for row in rows]) for at in (0, 1))
    found = intervals.of_means({"gauc": values}, samples, 0, weights)
    assert "gauc" not in found or not np.isnan(values).all()
    for low, high in found.values():
        assert np.nanmin(values) <= low <= high <= np.nanmax(values)


def test_nobody_served_has_no_metrics(world: Callable[..., Prepared], given_scores: Callable[..., object]) -> None:
    prepared = world({"train": [(0, 0), (0, 1)], "test": [(1, 0), (2, 1)]}, 1, 2)
    names = ("recall", "auc", "coverage", "gini", "novelty", "diversity", "popularity")
    evaluator = Evaluator(prepared, "test", Evaluation(test_metrics=names))
    found = evaluator(given_scores([[1, 2]]))
    assert (found.metrics, found.intervals, found.groups) == ({}, {}, {"user_activity": {}, "item_popularity": {}})
    assert (found.audience.users, found.audience.unserved) == (0, 2) and evaluator.measures(given_scores([[1, 2]])) == {}


def test_a_cutoff_beyond_the_catalogue_changes_what_is_divided_by_alone(
    world: Callable[..., Prepared], given_scores: Callable[..., object]
) -> None:
    prepared = world({"train": [(0, 0), (1, 1), (1, 2)], "test": [(0, 2), (1, 0)]}, 2, 3)
    names = ("recall", "precision", "ndcg", "map", "diversity")
    found = Evaluator(prepared, "test", Evaluation(cutoff=(2, 500), test_metrics=names))(given_scores([[3, 2, 1], [1, 2, 3]])).metrics
    assert all(found[f"{name}@2"] == found[f"{name}@500"] for name in ("recall", "ndcg", "map", "diversity"))
    assert found["precision@500"] == found["precision@2"] * 2 / 500


# Sums of more than float32 can count, and logits at the ends of what it holds.


def test_probabilities_of_0_and_1_have_the_loss_of_their_logits() -> None:
    logits = np.array([[1e4], [-1e4], [88.0], [-104.0], [3e38], [-3e38]], dtype=np.float32)
    for labels, expected in (
        (np.array([1, 0, 1, 0, 1, 0]), 0.0),
        (np.array([0, 1, 0, 1, 0, 1]), (2e4 + 88 + 104 + 2 * np.float64(np.float32(3e38))) / 6),
    ):
        for bins in (None, 9):
            gathering = Gathering(6, 1, {"": 1}, bins)
            gathering.add(logits, labels[:, None].astype(np.float32), {"": np.zeros(6, dtype=np.int64)})
            answers = gathering.answers("")[0]
            found = {name: metrics_of(answers, name, 3)[0][name] for name in ("logloss", "ne", "auc", "ece", "calibration", "rmse")}
            assert found["logloss"] == pytest.approx(expected, rel=1e-12, abs=1e-38) and all(map(math.isfinite, found.values()))
            assert found["auc"] == (1.0 if expected == 0 else 0.0)


def test_counts_beyond_what_float32_holds_are_exact() -> None:
    many = float(2**24)
    levels = Levels(np.array([many + 1, 1.0]), np.array([1.0, many + 1]), np.array([many, 3.0]))
    pairs = (many + 2) ** 2
    won = (many + 1) * (many + 1) + ((many + 1) + (many + 1)) / 2
    assert levels.area == pytest.approx(won / pairs, rel=1e-15)
    assert Reliability.of(levels, 2).bins[0].rows == many + 2


@pytest.mark.slow
def test_sums_over_twenty_million_impressions_lose_nothing() -> None:
    rows, batches = 1 << 20, 20
    gathering = Gathering(rows * batches, 1, {"": 1}, 10)
    logits, labels = np.full((rows, 1), 3.0, dtype=np.float32), np.ones((rows, 1), dtype=np.float32)
    for _ in range(batches):
        gathering.add(logits, labels, {"": np.zeros(rows, dtype=np.int64)})
    answers = gathering.answers("")[0]
    assert answers.rows.tolist() == [rows * batches] and answers.sums["labels"].tolist() == [rows * batches]
    assert metrics_of(answers, "logloss", 3)[0]["logloss"] == pytest.approx(math.log1p(math.exp(-3)), rel=1e-9)
    counted = Bins(4)
    for _ in range(batches):
        counted.add(logits[:, 0].astype(np.float64), labels[:, 0].astype(np.float64))
    assert counted.levels.ones.tolist() == [rows * batches]
