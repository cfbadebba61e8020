"""The steps from clicks to sessions, against what they say they do, row by row."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from turret.data.catalogue.sessions.events import (
    Counts,
    Events,
    first_times,
    in_long_sessions,
    in_order,
    in_sessions,
    last_times,
    on_frequent_items,
    repeats,
    sessions_by_gap,
    until_stable,
)

Row = tuple[int, int, int]
ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5), st.integers(0, 12)), max_size=60)
"""Session, item, time: few of each, so that all meet."""


def events(rows: list[Row]) -> Events:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Events(columns[:, 0].astype(np.int32), columns[:, 1].astype(np.int32), columns[:, 2])


def rows_of(found: Events) -> list[Row]:
    return list(zip(found.session.tolist(), found.item.tolist(), found.time.tolist(), strict=True))


@given(ROWS)
def test_rows_are_counted(rows: list[Row]) -> None:
    assert events(rows).counts == Counts(len(rows), len({row[0] for row in rows}), len({row[1] for row in rows}))


@given(ROWS)
def test_order_is_by_group_then_time_then_item(rows: list[Row]) -> None:
    log = events(rows)
    found = rows_of(log.take(in_order(log.session, log.time, log.item)))
    assert found == sorted(rows, key=lambda row: (row[0], row[2], row[1]))


@given(ROWS, st.integers(0, 4))
def test_a_session_ends_with_its_user_or_after_a_pause_longer_than_the_gap(rows: list[Row], gap: int) -> None:
    rows = sorted(rows, key=lambda row: (row[0], row[2]))
    expected: list[int] = []
    for place, (user, _, time) in enumerate(rows):
        if place == 0:
            expected.append(0)
        else:
            before = rows[place - 1]
            expected.append(expected[-1] + (user != before[0] or time > before[2] + gap))
    log = events(rows)
    assert sessions_by_gap(log.session, log.time, gap).tolist() == expected


@given(ROWS)
def test_events_cut_into_sessions_know_their_rows(rows: list[Row]) -> None:
    log = events(rows)
    found, places = in_sessions(log.session, log.item, log.time, 2)
    assert sorted(places.tolist()) == list(range(len(rows)))
    assert found.item.tolist() == log.item[places].tolist()
    assert found.time.tolist() == log.time[places].tolist()
    assert found.session.tolist() == sessions_by_gap(log.session[places], log.time[places], 2).tolist()


@given(ROWS)
def test_a_repeat_has_its_item_just_before_it_in_its_session(rows: list[Row]) -> None:
    rows = sorted(rows, key=lambda row: (row[0], row[2], row[1]))
    expected = [place > 0 and rows[place - 1][:2] == row[:2] for place, row in enumerate(rows)]
    assert repeats(events(rows)).tolist() == expected


def test_of_repeats_in_a_row_only_the_first_is_none() -> None:
    rows = [(0, 4, 0), (0, 4, 1), (0, 4, 2), (0, 5, 3), (0, 4, 4), (1, 4, 5)]
    assert repeats(events(rows)).tolist() == [False, True, True, False, False, False]


@given(ROWS, st.integers(0, 5))
def test_long_sessions_and_frequent_items_have_so_many_rows(rows: list[Row], least: int) -> None:
    sessions, items = Counter(row[0] for row in rows), Counter(row[1] for row in rows)
    assert in_long_sessions(events(rows), least).tolist() == [sessions[row[0]] >= least for row in rows]
    assert on_frequent_items(events(rows), least).tolist() == [items[row[1]] >= least for row in rows]


@given(ROWS, st.integers(1, 4), st.integers(1, 6))
def test_what_is_stable_is_what_dropping_row_by_row_ends_in(rows: list[Row], length: int, support: int) -> None:
    left = list(rows)
    while True:
        sessions, items = Counter(row[0] for row in left), Counter(row[1] for row in left)
        bad = next((place for place, row in enumerate(left) if sessions[row[0]] < length or items[row[1]] < support), None)
        if bad is None:
            break
        del left[bad]
    assert rows_of(until_stable(events(rows), length, support)) == left


@given(ROWS)
def test_sessions_begin_and_end_with_their_first_and_last_rows(rows: list[Row]) -> None:
    log = events(rows)
    assert first_times(log).tolist() == [min(time for session, _, time in rows if session == row[0]) for row in rows]
    assert last_times(log).tolist() == [max(time for session, _, time in rows if session == row[0]) for row in rows]
