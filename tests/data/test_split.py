"""Splits partition the log, keep time's order, and follow the rule that is written down."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.data import DataConfig, Prepared, Split, from_arrays, from_parts
from turret.data.columns import Numbers
from turret.data.split import shares

LOGS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9), st.integers(0, 12)), min_size=2, max_size=60)


def prepared(log: list[tuple[int, int, int]], **split: object) -> Prepared:
    """The log with the place of each row as a feature, so that rows can be followed."""
    user, item, time = (list(column) for column in zip(*log, strict=True))
    return from_arrays(user, item, time=time, features={"place": np.arange(len(log), dtype=float)}, config=DataConfig(split=Split(**split)))


def places(dataset: Prepared, part: str) -> list[int]:
    column = dataset.parts[part].features["place"]
    assert isinstance(column, Numbers)
    return [int(place) for place in column.values]


@settings(max_examples=60, deadline=None)
@given(
    log=LOGS,
    mode=st.sampled_from(["user_entry", "entry", "user", "leave_one_out", "time"]),
    order=st.sampled_from(["random", "time"]),
    seed=st.integers(0, 5),
)
def test_every_row_lands_in_one_part_with_its_own_values(log: list[tuple[int, int, int]], mode: str, order: str, seed: int) -> None:
    try:
        dataset = prepared(log, split_mode=mode, split_order=order, split_seed=seed, split_ratio=(0.6, 0.2, 0.2))
    except InputError as error:
        assert mode == "time" and "no row to train on" in str(error)  # All rows are of one moment.
        return
    found = {part: places(dataset, part) for part in dataset.parts}
    assert sorted(place for rows in found.values() for place in rows) == list(range(len(log)))
    for part, rows in found.items():
        table = dataset.interactions(part)
        got = zip(dataset.users.vocabulary.tokens(table.user), dataset.items.vocabulary.tokens(table.item), table.time, strict=True)
        assert [(int(user), int(item), int(time)) for user, item, time in got] == [log[place] for place in rows]
        assert np.all(np.diff(table.user) >= 0)
        assert all(np.all(np.diff(table.time[table.user == user]) >= 0) for user in np.unique(table.user))


@given(st.integers(1, 300), st.sampled_from([(0.8, 0.1, 0.1), (0.6, 0.2, 0.2), (0.5, 0.3, 0.2), (0.9, 0.1, 0.0), (0.7, 0.0, 0.3)]))
def test_shares_follow_the_rule_step_by_step(n: int, ratio: tuple[float, float, float]) -> None:
    tenths = [round(share * 10) for share in ratio]
    valid, test = (n * share // 10 for share in tenths[1:])
    train = n - valid - test
    if 0 < n * tenths[2] < 10 and train > 1:
        train, test = train - 1, test + 1
    if 0 < n * tenths[1] < 10 and train > 1:
        train, valid = train - 1, valid + 1
    got_train, got_valid = shares(np.array([n]), ratio)
    assert (int(got_train[0]), int(got_valid[0])) == (train, valid)


@settings(max_examples=40, deadline=None)
@given(log=LOGS, leave=st.integers(1, 3))
def test_leave_one_out_takes_the_last_rows(log: list[tuple[int, int, int]], leave: int) -> None:
    dataset = prepared(log, split_mode="leave_one_out", leave_n=leave)
    for user in {user for user, _, _ in log}:
        rows = sorted((place for place, row in enumerate(log) if row[0] == user), key=lambda place: (log[place][2], place))
        tests = min(leave, len(rows) - 1)
        valids = min(leave, len(rows) - 1 - tests)
        expected = {"test": rows[len(rows) - tests :], "valid": rows[len(rows) - tests - valids : len(rows) - tests]}
        for part, wanted in expected.items():
            assert [place for place in places(dataset, part) if log[place][0] == user] == wanted
    assert dataset.time_ordered


@settings(max_examples=30, deadline=None)
@given(log=LOGS, order=st.sampled_from(["random", "time"]))
def test_held_out_users_are_disjoint_and_partly_known(log: list[tuple[int, int, int]], order: str) -> None:
    dataset = prepared(log, split_mode="user", split_order=order, split_ratio=(0.6, 0.2, 0.2), fold_in_ratio=0.5)
    users = {part: set(dataset.interactions(part).user.tolist()) for part in dataset.parts}
    assert not users["train"] & (users["fold_in"] | users["valid"] | users["test"])
    assert not users["valid"] & users["test"]
    assert users["fold_in"] <= users["valid"] | users["test"]
    for user in users["valid"] | users["test"]:
        known, asked = (
            np.sum([np.sum(dataset.interactions(part).user == user) for part in parts]) for parts in (["fold_in"], ["valid", "test"])
        )
        assert asked >= 1 and known == min(max((known + asked) // 2, 1), known + asked - 1)


@settings(max_examples=30, deadline=None)
@given(log=LOGS, points=st.tuples(st.integers(1, 12), st.integers(1, 12)).map(sorted))
def test_points_in_time_divide_all_users_alike(log: list[tuple[int, int, int]], points: list[int]) -> None:
    if min(time for _, _, time in log) >= points[0]:
        return
    dataset = prepared(log, split_mode="time", split_time=points)
    for part, low, high in (("train", 0, points[0]), ("valid", *points), ("test", points[1], 99)):
        assert sorted(places(dataset, part)) == [place for place, row in enumerate(log) if low <= row[2] < high]


def test_entry_and_count_by_time_take_the_latest_rows() -> None:
    log = [(place % 7, place % 5, 1000 - place) for place in range(100)]
    by_ratio = prepared(log, split_mode="entry", split_order="time")
    by_count = prepared(log, split_mode="count", split_count=(7, 3), split_order="time")
    assert sorted(places(by_ratio, "test")) == list(range(10)) and sorted(places(by_ratio, "valid")) == list(range(10, 20))
    assert sorted(places(by_count, "test")) == [0, 1, 2] and sorted(places(by_count, "valid")) == list(range(3, 10))


def test_the_seed_decides_what_is_drawn() -> None:
    log = [(place % 11, place % 13, place) for place in range(400)]
    same, again, other = (places(prepared(log, split_seed=seed), "test") for seed in (3, 3, 4))
    assert same == again and same != other


def test_drawn_rows_are_spread_evenly() -> None:
    # Were earlier rows favoured, the mean place of 2,000 of 20,000 would leave 10,000 by more than five standard errors of 129.
    log = [(place % 20, 0, place) for place in range(20_000)]
    for mode in ("user_entry", "entry"):
        assert abs(np.mean(places(prepared(log, split_mode=mode), "test")) - 10_000) < 650


def test_published_parts_are_kept_and_known_to_be_in_order_or_not() -> None:
    train = {"user": [1, 1, 2], "item": [1, 2, 1], "time": [1, 2, 5]}
    later, earlier = ({"user": [1], "item": [3], "time": [time]} for time in (3, 1.5))
    assert from_parts(train, test=later).time_ordered
    assert not from_parts(train, test=earlier).time_ordered
    assert from_parts(train, test={"user": [1], "item": [3], "time": [2]}).time_ordered  # At the same moment nothing is out of order.


def test_a_published_split_without_valid_gets_one_from_train() -> None:
    train = {"user": np.repeat(np.arange(5), 20), "item": np.arange(100)}
    config = DataConfig(split=Split(published_valid_ratio=0.2))
    dataset = from_parts(train, test={"user": [0], "item": [100]}, config=config)
    assert np.bincount(dataset.interactions("valid").user).tolist() == [4] * 5
    assert len(dataset.train) == 80 and len(dataset.interactions("test")) == 1


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ({"split_ratio": (0.5, 0.1, 0.1)}, "add up to 1"),
        ({"split_mode": "count"}, "needs split_count"),
        ({"split_mode": "time", "split_time": (5, 3)}, "in order"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(split: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Split(**split)


def test_impossible_splits_are_refused() -> None:
    with pytest.raises(InputError, match="needs a time column"):
        from_arrays([1, 2], [1, 2], config=DataConfig(split=Split(split_mode="time")))
    with pytest.raises(InputError, match="none to train on"):
        from_arrays([1, 2], [1, 2], config=DataConfig(split=Split(split_mode="count", split_count=(1, 1))))
    with pytest.raises(InputError, match="published needs files"):
        from_arrays([1, 2], [1, 2], config=DataConfig(split=Split(split_mode="published")))
