"""Cleaning against the same rules in plain loops."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.core.interactions import Interactions
from turret.data import Cleaning, DataConfig, Prepared, Split, from_arrays, from_parts

Row = tuple[int, int, int]
LOGS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 9)), min_size=1, max_size=60)
ALL_IN_TRAIN = Split(split_ratio=(1.0, 0.0, 0.0))


def cleaned(log: list[Row], weight: list[float] | None = None, **cleaning: object) -> Prepared:
    user, item, time = (list(column) for column in zip(*log, strict=True))
    return from_arrays(
        user, item, time=time, rating=time, weight=weight, config=DataConfig(cleaning=Cleaning(**cleaning), split=ALL_IN_TRAIN)
    )


def rows(dataset: Prepared) -> list[Row]:
    table = dataset.interactions("train")
    users, items = dataset.users.vocabulary.tokens(table.user), dataset.items.vocabulary.tokens(table.item)
    return [(int(user), int(item), int(time)) for user, item, time in zip(users, items, table.time, strict=True)]


@settings(max_examples=80, deadline=None)
@given(
    log=LOGS,
    fewest=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    most=st.tuples(st.none() | st.integers(2, 8), st.none() | st.integers(2, 8)),
)
def test_core_equals_dropping_one_by_one(log: list[Row], fewest: tuple[int, int], most: tuple[int | None, int | None]) -> None:
    left = sorted(log)
    while True:
        counts = [Counter(row[side] for row in left) for side in (0, 1)]
        kept = [row for row in left if all(fewest[side] <= counts[side][row[side]] <= (most[side] or len(log)) for side in (0, 1))]
        if kept == left:
            break
        left = kept
    limits = {"min_user_count": fewest[0], "min_item_count": fewest[1], "max_user_count": most[0], "max_item_count": most[1]}
    if left:
        assert sorted(rows(cleaned(log, **limits))) == left
    else:
        with pytest.raises(InputError, match="nothing is left"):
            cleaned(log, **limits)


@settings(max_examples=60, deadline=None)
@given(log=LOGS, which=st.sampled_from(["first", "last", "sum"]))
def test_duplicates_are_resolved_in_the_order_of_time(log: list[Row], which: str) -> None:
    in_time = sorted(enumerate(log), key=lambda entry: (entry[1][2], entry[0]))
    kept: dict[tuple[int, int], Row] = {}
    weights: Counter[tuple[int, int]] = Counter()
    for place, row in in_time:
        weights[row[:2]] += place + 1
        if which == "last" or row[:2] not in kept:
            kept[row[:2]] = row
    dataset = cleaned(log, weight=[place + 1 for place in range(len(log))], duplicates=which)
    assert sorted(rows(dataset)) == sorted(kept.values())
    if which == "sum":
        got = zip(rows(dataset), dataset.train.weight, strict=True)
        assert {row[:2]: int(weight) for row, weight in got} == dict(weights)


def test_sum_counts_rows_where_there_are_no_weights() -> None:
    dataset = cleaned([(1, 1, 0), (1, 1, 1), (1, 2, 2)], duplicates="sum")
    assert dataset.train.weight is not None and sorted(dataset.train.weight.tolist()) == [1, 2]


def test_ranges_thresholds_and_their_report() -> None:
    log = [(1, item, item) for item in range(10)]
    dataset = cleaned(log, min_time=2, max_time=7, min_rating=4, label_threshold=6)
    assert [row[2] for row in rows(dataset)] == [4, 5, 6, 7]
    assert dataset.interactions("train").label.tolist() == [0, 0, 1, 1]
    dropped = {entry.step: (entry.note, entry.rows) for entry in dataset.report if "range" in entry.step}
    assert dropped == {"time range": ("time from 2 and to 7 kept", 4), "rating range": ("rating from 4 kept", 2)}
    clicked = cleaned(log, label_threshold=6, min_label=1)
    assert [row[2] for row in rows(clicked)] == [6, 7, 8, 9]


def test_what_is_dropped_is_what_is_missing() -> None:
    rng = np.random.default_rng(1)
    log = [(int(user), int(item), int(time)) for user, item, time in (40 * rng.random((700, 3)) ** 2).astype(int)]
    dataset = cleaned(log, duplicates="last", min_user_count=5, min_item_count=6, min_time=5)
    assert sum(entry.rows for entry in dataset.report) == len(log) - len(dataset.train)
    assert sum(entry.users for entry in dataset.report) == len({row[0] for row in log}) - dataset.n_users


def test_counting_on_train_leaves_later_parts_alone() -> None:
    train = {"user": [1, 1, 2, 3], "item": [1, 2, 1, 9]}
    config = DataConfig(cleaning=Cleaning(min_item_count=2, count_on="train"), split=Split(split_mode="published", published_valid_ratio=0))
    dataset = from_parts(train, test={"user": [1, 2], "item": [9, 2]}, config=config)
    assert named(dataset, dataset.train) == [("1", "1"), ("2", "1")]
    assert named(dataset, dataset.interactions("test")) == [("1", "9"), ("2", "2")]
    assert dataset.n_items == 1


def named(dataset: Prepared, table: Interactions) -> list[tuple[str, str]]:
    return list(zip(dataset.users.vocabulary.tokens(table.user), dataset.items.vocabulary.tokens(table.item), strict=True))


def test_steps_that_need_a_column_say_so() -> None:
    for cleaning, words in (
        ({"min_time": 3}, "no time column"),
        ({"label_threshold": 3}, "no rating column"),
        ({"min_label": 1}, "no label column"),
    ):
        with pytest.raises(InputError, match=words):
            from_arrays([1], [1], config=DataConfig(cleaning=Cleaning(**cleaning)))
