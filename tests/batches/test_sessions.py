"""Session-parallel mini-batches against recorded ones, and against blocks of slots written out as lists."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from turret.batches.sessions import SessionParallel, runs, schedule
from turret.core.context import Streams
from turret.core.errors import InputError
from turret.core.interactions import Interactions

Arrays = dict[str, np.ndarray]
Lists = Callable[..., Iterator[Any]]
Order = Callable[[Interactions], list[list[int]]]


def epoch_of(log: Interactions, width: int, steps: int = 1, least: int = 1) -> list[Streams]:
    return list(SessionParallel(log, width, steps, least).epoch(torch.Generator()))


def random_log(session_log: Callable[..., Interactions], seed: int, sessions: int, longest: int, times: bool) -> Interactions:
    """Every row has an item of its own, so that nothing is right by chance."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, longest + 1, sessions)
    session = np.repeat(np.arange(sessions), lengths)
    time = draw.integers(0, 8, sessions)[session] * 100 + np.arange(len(session)) if times else None  # many begin together
    return session_log(session, np.arange(len(session)), time, range(len(session)))


CASES = [
    (seed, sessions, longest, width)
    for seed, (sessions, longest) in enumerate([(9, 4), (30, 9), (12, 1), (3, 2), (40, 3), (1, 6)])
    for width in (1, 2, 3, 7, 50)
]


# --- recorded


@pytest.mark.real_data
def test_equals_the_recorded_mini_batches(golden: Callable[..., Arrays], toy: Interactions) -> None:
    recorded, log = golden("iterator"), toy
    assert list(dict.fromkeys(recorded["file_item"].tolist())) == recorded["item_ids_in_index_order"].tolist()
    assert np.array_equal(log.item, recorded["data_items"]) and np.array_equal(log.by_user.offsets, recorded["offset_sessions"])
    assert np.array_equal(log.item_counts, recorded["P0_item_counts"])
    batches = [*epoch_of(log, 3), *epoch_of(log, 3)]
    assert [batch.items.shape[1] for batch in batches] == recorded["n_in_batch"].tolist()
    for batch, items, target in zip(batches, recorded["in_items"], recorded["out_items"], strict=True):
        assert batch.items[0].tolist() == items[items >= 0].tolist() and batch.target[0].tolist() == target[target >= 0].tolist()
    assert [batch.first for batch in batches] == [n % 16 == 0 for n in range(32)]


@pytest.mark.real_data
def test_states_become_zero_and_go_when_the_recorded_ones_did(golden: Callable[..., Arrays], toy: Interactions) -> None:
    """States as numbers that say where they came from: 0 for a new one."""
    recorded = golden("iterator")
    hooks = dict[int, list[tuple[np.ndarray, np.ndarray]]]()
    for after, finished, valid in zip(
        recorded["hook_called_after_minibatch"], recorded["hook_finished_mask"], recorded["hook_valid_mask"], strict=True
    ):
        hooks.setdefault(int(after), []).append((finished[finished >= 0] == 1, valid[valid >= 0] == 1))
    theirs = ours = np.zeros(3, dtype=int)
    checked = 0
    for number, batch in enumerate([*epoch_of(toy, 3), *epoch_of(toy, 3)]):
        ours = np.zeros(3, dtype=int) if batch.first else ours if batch.kept is None else ours[batch.kept.numpy()]
        ours = np.where(batch.fresh[0].numpy(), 0, ours)
        if number % 16 == 0:
            theirs = np.zeros(3, dtype=int)
        else:
            for finished, valid in hooks.get(number, []):
                theirs = np.where(finished, 0, theirs)[valid]
                checked += 1
        assert np.array_equal(ours, theirs)
        ours = theirs = np.arange(len(ours)) + 10 * number + 1
    assert checked >= 12


@pytest.mark.real_data
@pytest.mark.parametrize("width", [32, 80, 512])
def test_equals_the_recorded_mini_batches_of_real_sessions(golden: Callable[..., Arrays], rsc15: Interactions, width: int) -> None:
    recorded = golden("real", f"B{width}")
    batches = SessionParallel(rsc15, width)
    digest, slots = hashlib.sha256(), []
    for batch in batches.epoch(torch.Generator()):
        digest.update(batch.items.numpy().astype("<i8").tobytes() + batch.target.numpy().astype("<i8").tobytes())
        slots.append(batch.items.shape[1])
    assert batches.steps() == len(slots) and slots == recorded["n_in_batch"].tolist()
    assert sum(slots) == 52_484
    assert digest.hexdigest() == str(recorded["sha256_stable_order"])


# --- by the book


@pytest.mark.parametrize(("seed", "sessions", "longest", "width"), CASES)
@pytest.mark.parametrize("least", [1, 2])
@pytest.mark.parametrize("times", [False, True])
def test_equals_blocks_of_slots(
    session_log: Callable[..., Interactions],
    mini_batches: Lists,
    in_order: Order,
    seed: int,
    sessions: int,
    longest: int,
    width: int,
    least: int,
    times: bool,
) -> None:
    log = random_log(session_log, seed, sessions, longest, times)
    expected = list(mini_batches(in_order(log), width, least))
    if not expected:
        with pytest.raises(InputError, match="no next item"):
            SessionParallel(log, width, least=least)
        return
    found = epoch_of(log, width, least=least)
    assert [batch.items[0].tolist() for batch in found] == [batch.read for batch in expected]
    assert [batch.target[0].tolist() for batch in found] == [batch.target for batch in expected]


@pytest.mark.parametrize(("seed", "sessions", "longest", "width"), CASES)
@pytest.mark.parametrize("steps", [1, 2, 5, 100])
def test_what_a_row_goes_on_from_is_what_its_session_has_read(
    session_log: Callable[..., Interactions], seed: int, sessions: int, longest: int, width: int, steps: int
) -> None:
    """A state that is the list of what was read: it must be the session from its beginning, and every event is predicted once."""
    log = random_log(session_log, seed, sessions, max(longest, 2), times=True)
    state: list[list[int]] = []
    predicted = []
    for batch in epoch_of(log, width, steps):
        if batch.first:
            state = [[] for _ in batch.items[0]]
        elif batch.kept is not None:
            state = [state[row] for row in batch.kept.tolist()]
        assert batch.items.shape == batch.target.shape == batch.fresh.shape and len(batch.items) <= steps
        for items, target, fresh in zip(batch.items.tolist(), batch.target.tolist(), batch.fresh.tolist(), strict=True):
            state = [([] if new else before) + [item] for before, item, new in zip(state, items, fresh, strict=True)]
            for read, right in zip(state, target, strict=True):
                session = log.item[log.user == log.user[right]].tolist()
                assert session[: len(read) + 1] == [*read, right]
            predicted += target
    firsts = log.by_user.offsets[:-1]
    assert sorted(predicted) == sorted(set(range(len(log))) - set(firsts.tolist()))


def test_steps_of_one_batch_have_equally_many_rows(session_log: Callable[..., Interactions]) -> None:
    log = random_log(session_log, 1, 30, 9, times=False)
    single, joined = epoch_of(log, 4), epoch_of(log, 4, steps=3)
    assert [row.tolist() for batch in joined for row in batch.items] == [batch.items[0].tolist() for batch in single]
    assert sum(len(batch.items) for batch in joined) == len(single) and SessionParallel(log, 4, steps=3).steps() == len(joined)
    widths = [batch.items.shape[1] for batch in single]
    for batch, after in pairwise(joined):
        assert len(batch.items) == 3 or batch.items.shape[1] != after.items.shape[1]
    assert widths == sorted(widths, reverse=True) and widths[0] == 4 and widths[-1] == 1


def test_runs() -> None:
    assert runs(np.array([0, 3, 6, 9, 11, 13, 14]), 2) == [(0, 6, 3), (6, 9, 3), (9, 13, 2), (13, 14, 1)]
    assert runs(np.array([0]), 2) == []


# --- the edges


def test_sessions_are_taken_in_the_order_of_their_beginnings(session_log: Callable[..., Interactions]) -> None:
    """Not of their ids; those that begin together by id."""
    log = session_log([0, 0, 1, 1, 2, 2, 3, 3], range(8), [50, 51, 10, 90, 50, 52, 0, 99], range(8))
    assert [batch.items[0].tolist() for batch in epoch_of(log, 1)] == [[6], [2], [0], [4]]


def test_fewer_sessions_than_slots(session_log: Callable[..., Interactions]) -> None:
    batches = epoch_of(session_log([0, 0, 0, 1, 1], range(5), None, range(5)), 64)
    assert [batch.items[0].tolist() for batch in batches] == [[0, 3], [1]]
    assert batches[1].kept is not None and batches[1].kept.tolist() == [0] and not batches[1].fresh.any()


def test_sessions_of_one_event_take_a_slot_and_leave_it(session_log: Callable[..., Interactions]) -> None:
    """The slot that such a session held takes the next after all others have taken theirs."""
    log = session_log([0, 0, 1, 2, 2, 2, 3, 4, 4], range(9), None, range(9))
    assert [batch.items[0].tolist() for batch in epoch_of(log, 2)] == [[0, 3], [7, 4]]


def test_nothing_to_learn_is_an_error_that_says_so(session_log: Callable[..., Interactions]) -> None:
    empty = Interactions(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32), 0, 5)
    for log in (session_log([0, 1, 2], range(3), None, range(3)), empty):
        assert schedule(log, 2).offsets.tolist() == [0]
        with pytest.raises(InputError, match="no session has two events"):
            SessionParallel(log, 2)
    with pytest.raises(InputError, match="side by side"):
        SessionParallel(session_log([0, 0, 0], range(3), None, range(3)), 2, least=2)


def test_users_without_rows_are_no_sessions() -> None:
    log = Interactions(np.array([4, 4], dtype=np.int32), np.array([1, 2], dtype=np.int32), 9, 5)
    assert [batch.items.tolist() for batch in epoch_of(log, 3)] == [[[1]]]


def test_the_end_with_too_few_slots_is_left_out(session_log: Callable[..., Interactions]) -> None:
    """Whoever has no sample has no negatives in the last slot."""
    log = session_log([0, 0, 0, 0, 1, 1], range(6), None, range(6))
    assert [batch.items[0].tolist() for batch in epoch_of(log, 2, least=2)] == [[0, 4]]


def test_an_epoch_is_as_the_one_before_and_nothing_is_drawn(session_log: Callable[..., Interactions]) -> None:
    batches, generator = SessionParallel(random_log(session_log, 1, 30, 9, times=True), 4), torch.Generator()
    before = generator.get_state()
    first, second = list(batches.epoch(generator)), list(batches.epoch(generator))
    assert torch.equal(generator.get_state(), before)
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.items, other.items) and torch.equal(one.fresh, other.fresh) and one.first == other.first
    assert [batch.first for batch in first] == [True] + [False] * (len(first) - 1)


def test_logs_are_only_read(session_log: Callable[..., Interactions]) -> None:
    log = random_log(session_log, 1, 30, 9, times=True)
    for column in (log.user, log.item, log.time):
        column.flags.writeable = False  # type: ignore[union-attr]
    plan = schedule(log, 4)
    assert plan.offsets[-1] == len(plan.place) == len(plan.fresh) == len(plan.kept) == len(log) - log.n_users
