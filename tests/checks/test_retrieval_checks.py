"""The checks of who chose what: each finds a flaw of a known size, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.checks import counts, duplicates, future, order, popularity, power, repeats, unseen
from turret.checks.models import OwnHistory, PopularityBefore
from turret.checks.subject import fewer_rows
from turret.core.context import NOTHING, Context, History
from turret.data.config import Cleaning
from turret.data.prepared import TEST, TRAIN, Prepared

from .conftest import dataset_of, log_of

Make = Callable[..., Any]
CLEAN_TRAIN = [(user, item, 10 * user + item) for user in range(4) for item in range(6) if (user + item) % 2]
CLEAN_TEST = [(user, (user + 2 * step) % 6, 1000 + step) for user in range(4) for step in range(2)]


@pytest.fixture
def clean(dataset: Make) -> Prepared:
    """Test rows all later than training, of known users and items, new to their users."""
    return dataset(CLEAN_TRAIN, CLEAN_TEST, time_ordered=True)


def test_a_clean_log_has_no_flaw(clean: Prepared, subject: Make) -> None:
    of = subject(clean)
    for check in (duplicates, unseen, repeats, future):
        found = check.check(of)
        assert (found.verdict, found.advice) == ("ok", ""), found
        assert found.effect.startswith("none"), found


def test_every_check_says_why_it_cannot_look(dataset: Make, subject: Make, impressions: Make) -> None:
    nobody = subject(impressions({"label": [0, 1]}, {"label": [1]}))
    for check in (duplicates, unseen, repeats, future, counts, order, popularity, power):
        found = check.check(nobody)
        assert (found.verdict, found.found) == ("not applicable", "the log has no users")
    untimed = subject(dataset([row[:2] for row in CLEAN_TRAIN], [row[:2] for row in CLEAN_TEST]))
    assert future.check(untimed).found == "the log has no times"
    assert order.check(untimed).verdict == "not applicable"
    assert unseen.check(subject(dataset(CLEAN_TRAIN, []))).found == "the test part is empty"
    everything_known = subject(dataset(CLEAN_TRAIN, CLEAN_TRAIN[:2]))
    assert power.check(everything_known).verdict == popularity.check(everything_known).verdict == "not applicable"


# Duplicates


def test_known_pairs_and_equal_rows_are_counted(dataset: Make, subject: Make) -> None:
    train = [*CLEAN_TRAIN, CLEAN_TRAIN[0], CLEAN_TRAIN[0]]
    test = [*CLEAN_TEST, CLEAN_TRAIN[1], (CLEAN_TRAIN[2][0], CLEAN_TRAIN[2][1], 1005)]
    found = duplicates.check(subject(dataset(train, test)))
    assert found.verdict == "warning"
    assert found.figures["right_items"] == len(CLEAN_TEST) + 2
    assert found.figures["known_before"] == 2
    assert found.figures["rows_twice_inside"] == 2
    assert found.figures["rows_of_training_again"] == 1
    assert found.figures["users_left_out"] == 0


def test_users_of_whom_nothing_is_asked_are_counted(dataset: Make, subject: Make) -> None:
    known = [(0, item, time) for user, item, time in CLEAN_TRAIN if user == 0]
    found = duplicates.check(subject(dataset(CLEAN_TRAIN, [row for row in CLEAN_TEST if row[0]] + known)))
    assert found.figures["users_left_out"] == 1
    assert "1 user altogether" in found.effect


Logs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=25)


@settings(deadline=None, max_examples=60)
@given(train=Logs, valid=Logs, test=Logs)
def test_counts_agree_with_counting_one_by_one(train: list[Any], valid: list[Any], test: list[Any]) -> None:
    prepared = dataset_of(train, test, valid, (4, 5))
    inside, across = duplicates.equal_rows(prepared)
    assert inside == sum(len(part) - len(set(part)) for part in (train, valid, test))
    assert across == sum(row in set(train) for row in [*valid, *test])

    before = {row[:2] for row in [*train, *valid]}
    again, met = 0, set(before)
    for row in test:
        again += row[:2] in met
        met.add(row[:2])
    assert repeats.repeated(prepared) == again

    parts = {name: prepared.interactions(name) for name in (TRAIN, TEST)}
    times = {item: [row[2] for row in train if row[1] == item] for item in range(5)}
    assert future.from_the_future(parts[TRAIN], parts[TEST]) == sum(bool(times[row[1]]) and min(times[row[1]]) > row[2] for row in test)


# Only in later parts


def test_the_ceilings_are_those_of_what_can_be_named(dataset: Make, subject: Make) -> None:
    test = [(0, 1, 1000), (0, 8, 1000), (1, 9, 1000), (5, 2, 1000)]
    found = unseen.check(subject(dataset(CLEAN_TRAIN, test, [(0, 8, 900), (0, 3, 900)], (5, 8))))
    assert found.verdict == "warning"
    assert found.figures["ceiling.recall"] == pytest.approx((0 + 1) / 2)  # user 0 had both items before, so nothing is asked
    assert found.figures["test.rows_of_unseen_items"] == 0.5
    assert found.figures["test.rows_of_unseen_users"] == 0.25
    assert found.figures["valid.rows_of_unseen_items"] == 0.5
    assert found.figures["users_without_training"] == 1


def test_no_model_passes_the_ceiling_and_one_that_knows_the_answer_reaches_it(dataset: Make, subject: Make) -> None:
    train = [(user, user, 0) for user in range(30)]
    test = [(user, item, 1) for user in range(4) for item in range(5 + 4 * user, 30 + 4 * user)]
    of = subject(dataset(train, test, sizes=(30, 30)))
    found = unseen.check(of)
    right = np.zeros((30, 30), dtype=np.float32)
    for user, item, _ in test:
        if item < 30:
            right[user, item] = 1

    class Knows:
        reads = NOTHING

        def score_all(self, context: Context) -> Any:

            assert context.users is not None
            return torch.from_numpy(right[context.users.numpy()])

    assert of.measured(Knows()).metrics["recall@10"] == pytest.approx(found.figures["ceiling.recall@10"])
    assert found.figures["ceiling.recall@10"] < found.figures["ceiling.recall"] < 1


# Repeated consumption


def test_repeats_are_counted_and_a_users_own_history_is_measured(dataset: Make, subject: Make) -> None:
    train = [(user, item, item) for user in range(20) for item in (user, user + 1, user + 2)]
    test = [(user, user + 1, 100) for user in range(15)] + [(user, user + 50, 100) for user in range(15, 20)]
    found = repeats.check(subject(dataset(train, test)))
    assert found.verdict == "warning"
    assert found.figures["test.rows_repeated"] == 0.75
    assert found.figures["recall@10.own_history"] >= 0.75 > found.figures["recall@10.popularity"]


def test_own_history_goes_by_how_often_then_by_popularity() -> None:

    model = OwnHistory(np.array([7, 5, 1, 9]))
    items, mask = torch.tensor([[2, 1, 1], [0, 0, 0]]), torch.tensor([[True, True, True], [False, False, False]])
    scores = model.score_all(Context(history=History(items, mask)))
    assert scores.argsort(descending=True).tolist() == [[1, 2, 3, 0], [3, 0, 1, 2]]


# Cleaning


def core_by_hand(rows: list[tuple[int, int]], users: int, items: int) -> list[tuple[int, int]]:
    while True:
        left = [
            row for row in rows if sum(row[0] == other[0] for other in rows) >= users and sum(row[1] == other[1] for other in rows) >= items
        ]
        if left == rows:
            return rows
        rows = left


@settings(deadline=None, max_examples=40)
@given(
    train=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40),
    users=st.integers(0, 4),
    items=st.integers(2, 4),
)
def test_what_training_would_lose_agrees_with_counting_by_hand(train: list[Any], users: int, items: int) -> None:
    log = log_of(train, 6, 6)
    kept = counts.core_of(log, Cleaning(min_user_count=users, min_item_count=items))
    rows = list(zip(log.user.tolist(), log.item.tolist(), strict=True))
    assert [row for row, left in zip(rows, kept, strict=True) if left] == core_by_hand(rows, users, items)


def test_what_training_keeps_thanks_to_later_rows_is_counted(dataset: Make, subject: Make) -> None:
    # Users and items 0 to 3 have three rows in training; user 4 and item 4 have three only with the test.
    train = [*product(range(4), range(4)), (4, 0), (4, 1), (0, 4), (1, 4)]
    prepared = dataset(train, [(4, 2), (2, 4), (4, 3), (3, 0), (4, 4)])
    found = counts.check(subject(prepared, Cleaning(min_user_count=3, min_item_count=3)))
    assert found.verdict == "warning"
    assert found.figures["training_rows"] == pytest.approx(4 / 20)
    assert (found.figures["users"], found.figures["items"]) == (0.2, 0.2)
    assert (found.figures["test_rows_of_items"], found.figures["test_rows_of_users"]) == (0.4, 0.4)  # the row of both counts once
    assert "by counts of the whole log (3 or more a user, 3 or more an item)" in found.found
    on_train = counts.check(subject(prepared, Cleaning(min_user_count=3, min_item_count=3, count_on="train")))
    assert on_train.verdict == "ok"
    guessed = counts.check(subject(dataset(train, [(4, 2), (2, 4), (4, 3), (3, 0)])))
    assert "look as if" in guessed.found and guessed.figures["training_rows"] == found.figures["training_rows"]


def test_a_log_that_nobody_filtered_is_not_taken_for_one(dataset: Make, subject: Make) -> None:
    assert counts.check(subject(dataset([*product(range(4), range(4)), (0, 5)], [(0, 0)]))).verdict == "not applicable"


def test_a_training_part_of_which_nothing_would_be_left_is_counted_in_full(dataset: Make, subject: Make) -> None:
    found = counts.check(subject(dataset([(0, 0), (1, 1)], [(0, 1), (1, 0)]), Cleaning(min_user_count=2, min_item_count=2)))
    assert found.figures["training_rows"] == found.figures["test_rows_of_items"] == 1


# Sequential signal


def sequences(kind: str, users: int = 300, length: int = 12, items: int = 60, seed: int = 1) -> list[tuple[int, int, int]]:
    """Each user walks through the items: from each to one of its three followers, or anywhere."""
    generator = np.random.default_rng(seed)
    followers = generator.integers(0, items, (items, 3))
    rows = []
    for user in range(users):
        item, had = int(generator.integers(items)), set[int]()
        for step in range(length):
            rows.append((user, item, 1000 * user + step))
            had.add(item)
            near = [each for each in followers[item].tolist() if each not in had] if kind == "chain" else []
            item = int(generator.choice(near or [each for each in range(items) if each not in had]))
    return rows


def test_a_planted_chain_is_found(dataset: Make, subject: Make) -> None:
    prepared = dataset(sequences("chain", items=200), [(0, 1, 10**6)], time_ordered=True)
    found = order.check(subject(prepared))
    assert found.verdict == "ok"
    assert found.figures["gain.low"] > 0.3
    assert found.figures["frequent_pairs"] > 5 * found.figures["frequent_pairs.shuffled"]


def test_a_chain_under_a_random_split_is_a_note(dataset: Make, subject: Make) -> None:
    found = order.check(subject(dataset(sequences("chain", items=200), [(0, 1, 10**6)])))
    assert found.verdict == "note" and "--split_order time" in found.advice


@pytest.mark.parametrize("seed", range(5))
def test_no_chain_is_found_where_there_is_none(dataset: Make, subject: Make, seed: int) -> None:
    signal = order.measure(subject(dataset(rows := sequences("none", seed=seed), [(0, 1, 10**6)])), log_of(rows, 300, 60))
    assert signal is not None
    gain = signal.ordered - signal.disordered
    # four standard errors: chance alone passes them once in 16,000
    assert abs(gain.mean()) < 4 * gain.std() / np.sqrt(len(gain))
    assert 0.5 < signal.frequent / signal.shuffled < 2


def test_shuffling_a_chain_takes_the_signal_away(dataset: Make, subject: Make) -> None:
    log = log_of(sequences("chain", items=200), 300, 200)
    mixed = order.shuffled(log, np.random.default_rng(3))
    rows = [(user, item, place) for place, (user, item) in enumerate(zip(mixed.user.tolist(), mixed.item.tolist(), strict=True))]
    found = order.check(subject(dataset(rows, [(0, 1, 10**6)], time_ordered=True)))
    assert found.verdict == "warning"
    assert found.figures["gain.low"] <= 0


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=60), support=st.integers(1, 3)
)
def test_frequent_pairs_agree_with_counting_one_by_one(rows: list[Any], support: int) -> None:
    log = log_of(rows, 5, 4)
    pairs: dict[tuple[int, int], set[int]] = {}
    for user in range(5):
        items = log.item[log.user == user].tolist()
        for first, second in pairwise(items):
            if first != second:
                pairs.setdefault((first, second), set()).add(user)
    first, second = order.following(log)
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == set(pairs)
    assert order.frequent(log, support) == sum(len(users) >= support for users in pairs.values())
    mixed = order.shuffled(log, np.random.default_rng(0))
    for user in range(5):
        assert sorted(mixed.item[mixed.user == user]) == sorted(log.item[log.user == user])


def test_rows_of_one_item_in_a_row_count_as_one(dataset: Make, subject: Make) -> None:
    rows = sequences("chain", users=60, items=40)
    twice = [(user, item, time + half) for user, item, time in rows for half in (0, 0.5)]
    once, doubled = (order.measure(subject(dataset(each, [(0, 1, 10**6)])), log_of(each, 60, 40)) for each in (rows, twice))
    assert once is not None and doubled is not None
    assert (once.frequent, once.shuffled) == (doubled.frequent, doubled.shuffled)
    assert once.ordered.tolist() == doubled.ordered.tolist() and once.disordered.tolist() == doubled.disordered.tolist()


def test_a_gain_that_may_be_chance_is_no_signal(dataset: Make, subject: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    signal = order.Signal(10, 9.0, np.repeat([1.0, 0.0], [11, 10]), np.repeat([0.0, 1.0], [11, 10]))
    monkeypatch.setattr(order, "measure", lambda *_: signal)
    found = order.check(subject(dataset(sequences("chain", users=5), [(0, 1, 10**6)], time_ordered=True)))
    assert found.figures["gain.low"] < 0 < found.figures["gain"] < found.figures["gain.high"]
    assert found.verdict == "warning"


# Power


def test_the_smallest_difference_is_found_as_often_as_stated() -> None:
    n, spread = 400, 0.2
    difference = power.smallest_difference(spread, n, alpha=0.05, power=0.8)
    generator = np.random.default_rng(0)
    drawn = generator.normal(difference, spread, (4000, n))
    t = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / np.sqrt(n))
    assert np.mean(np.abs(t) > 1.9659) == pytest.approx(0.8, abs=0.03)  # the quantile of t with 399 degrees of freedom
    assert power.users_needed(spread, difference, 0.05, 0.8) == pytest.approx(n, abs=1)


def test_a_test_too_small_for_the_difference_is_a_warning(dataset: Make, subject: Make) -> None:
    generator = np.random.default_rng(0)
    train = [(user, int(item), 0) for user in range(60) for item in generator.choice(30, 6, replace=False) + 30 * (user % 2)]
    test = [(user, int(item), 1) for user in range(60) for item in generator.choice(30, 3, replace=False) + 30 * (user % 2)]
    prepared = dataset(train, test)
    strict = power.check(subject(prepared, difference=0.001))
    assert strict.verdict == "warning" and strict.figures["users_needed"] > strict.figures["users"]
    loose = power.check(subject(prepared, difference=0.9))
    assert loose.verdict == "ok"
    values = subject(prepared)
    spread = (values.of_neighbours.per_user["ndcg@10"] - values.of_popularity.per_user["ndcg@10"]).std(ddof=1)
    assert strict.figures["deviation"] == pytest.approx(spread)


# Leakage in time


def test_rows_from_the_future_are_counted(dataset: Make, subject: Make) -> None:
    train = [(0, 0, 5), (0, 1, 30), (1, 0, 6), (1, 2, 50), (2, 1, 8), (2, 3, 60)]
    test = [(0, 2, 20), (1, 1, 40), (2, 3, 70)]
    found = future.check(subject(dataset(train, test)))
    assert found.verdict == "warning"
    assert found.figures["training_after_first_test"] == 0.5
    assert found.figures["training_after_own_test"] == pytest.approx(2 / 6)
    assert found.figures["test_rows_of_items_from_the_future"] == pytest.approx(1 / 3)


def test_what_becomes_popular_after_the_test_gives_popularity_away(dataset: Make, subject: Make) -> None:
    # Each of 40 users is asked, at a moment, for an item that others choose only afterwards, and often.
    early = [(user, user % 20, user) for user in range(40)]
    late = [(user, 20 + item, 1000 + user) for user in range(40, 80) for item in range(10)]
    test = [(user, 20 + user % 10, 500) for user in range(40)]
    found = future.check(subject(dataset([*early, *late], test)))
    assert found.verdict == "warning"
    assert found.figures["ndcg@10.popularity_before"] == 0
    assert found.figures["gain.low"] > 0.3
    assert found.figures["test_rows_of_items_from_the_future"] == 1


def test_other_users_rows_after_the_test_alone_are_a_note(dataset: Make, subject: Make) -> None:
    train = [(user, item, 10 * user + item) for user in range(4) for item in range(6) if (user + item) % 2]
    test = [(user, (user + 4) % 6, 10 * user + 8) for user in range(4)]
    test = [(user, item, time) for user, item, time in test if user >= 2]
    found = future.check(subject(dataset(train, test, time_ordered=True)))
    assert found.figures["training_after_own_test"] == 0 < found.figures["training_after_first_test"]
    assert found.verdict == "note"


def test_popularity_before_a_moment_counts_earlier_rows_alone() -> None:

    item, time = np.array([0, 1, 1, 2]), np.array([1.0, 2.0, 3.0, 4.0])
    model = PopularityBefore(item, time, np.array([3.0, 0.0, 99.0]), 4)
    scores = model.score_all(Context(users=torch.tensor([2, 0, 1])))
    assert scores.tolist() == [[1, 2, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]]


def test_places_are_not_taken_for_moments(dataset: Make, subject: Make) -> None:
    train = [(user, (user + step) % 9, step) for user in range(6) for step in range(5)]
    found = future.check(subject(dataset(train, [(user, (user + 5) % 9, 5) for user in range(6)], time_ordered=True)))
    assert found.verdict == "not applicable" and "places" in found.found
    moments = [(user, item, 86400 * time) for user, item, time in train]
    assert not future.are_places(log_of(moments, 6, 9))


# Popularity


@pytest.mark.parametrize(("popular", "verdict"), [(0, "ok"), (20, "note"), (45, "warning")])
def test_concentration_is_counted(dataset: Make, subject: Make, popular: int, verdict: str) -> None:
    train = [(user, item, 0) for user in range(50, 60) for item in range(10)] + [(user, 10 + user, 0) for user in range(50)]
    test = [(user, user % 10 if user < popular else 10 + (user + 1) % 50, 1) for user in range(50)]
    found = popularity.check(subject(dataset(train, test)))
    assert found.verdict == verdict
    assert found.figures["test_rows_in_top_10"] == popular / 50
    assert found.figures["recall@10"] == popular / 50


# Less than all


def test_many_users_are_drawn_and_said(dataset: Make, subject: Make) -> None:
    train = [(user, item, 0) for user in range(1200) for item in (user % 30, (user + 1) % 30)]
    test = [(user, (user + 2) % 30, 1) for user in range(1200)]
    prepared = dataset(train, test)
    few, all_of_them = subject(prepared, max_users=700), subject(prepared)
    assert len(few.of_popularity.users) == 700
    assert len(all_of_them.of_popularity.users) == 1200
    assert few.of_popularity.metrics["recall@10"] == pytest.approx(all_of_them.of_popularity.metrics["recall@10"], abs=0.05)
    assert "700 of 1,200" in next(iter(few.notes))
    assert not list(all_of_them.notes)
    assert power.check(few).figures["users"] == 1200


def test_what_is_drawn_for_some_users_is_theirs(dataset: Make, subject: Make) -> None:
    generator = np.random.default_rng(0)
    train = [(user, int(item), 0) for user in range(600) for item in generator.choice(40, 5, replace=False)]
    test = [(user, int(item), 1) for user in range(600) for item in generator.choice(40, 2, replace=False)]
    prepared = dataset(train, test, [(user, 3, 1) for user in range(0, 600, 7)])
    some, everyone = (subject(prepared, max_users=most).of_neighbours for most in (550, 600))
    same = np.isin(everyone.users, some.users)
    assert np.array_equal(everyone.users[same], some.users)
    assert np.array_equal(everyone.per_user["ndcg@10"][same], some.per_user["ndcg@10"])


def test_fewer_rows_are_those_of_whole_users() -> None:
    log = log_of([(user, item, 0) for user in range(50) for item in range(user % 5 + 1)], 50, 5)
    some = fewer_rows(log, 60, np.random.default_rng(0))
    assert 40 < len(some) <= 60
    for user in np.unique(some.user):
        assert np.count_nonzero(some.user == user) == np.count_nonzero(log.user == user)
    assert fewer_rows(log, len(log), np.random.default_rng(0)) is log
