"""The two rules of dividing clicks, against what the papers say of them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.data.catalogue.sessions.events import Events
from turret.data.catalogue.sessions.rules import divide_by_end, divide_by_start, rule_of_2016, rule_of_2023

Row = tuple[int, int, int]
ROWS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 7), st.integers(0, 20)), max_size=60)
MOMENTS = st.integers(0, 21)


def events(rows: list[Row]) -> Events:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Events(columns[:, 0], columns[:, 1], columns[:, 2])


def rows_of(found: Events) -> list[Row]:
    return list(zip(found.session.tolist(), found.item.tolist(), found.time.tolist(), strict=True))


def of_two(rows: list[Row]) -> list[Row]:
    """Those whose session has two rows or more."""
    return [row for row in rows if sum(other[0] == row[0] for other in rows) >= 2]


def quiet(_: str) -> None:
    """Says nothing."""


@given(ROWS, MOMENTS)
def test_divided_by_their_ends_sessions_are_whole_but_for_unknown_items(rows: list[Row], moment: int) -> None:
    end = {row[0]: max(other[2] for other in rows if other[0] == row[0]) for row in rows}
    train = [row for row in rows if end[row[0]] < moment]
    known = {row[1] for row in train}
    test = of_two([row for row in rows if end[row[0]] >= moment and row[1] in known])
    assert [rows_of(part) for part in divide_by_end(events(rows), moment)] == [train, test]


@given(ROWS, MOMENTS)
def test_divided_by_their_starts_training_sessions_are_cut_at_the_moment(rows: list[Row], moment: int) -> None:
    start = {row[0]: min(other[2] for other in rows if other[0] == row[0]) for row in rows}
    train = of_two([row for row in rows if row[2] < moment])
    test = [row for row in rows if start[row[0]] >= moment]
    assert [rows_of(part) for part in divide_by_start(events(rows), moment)] == [train, test]


def log() -> list[Row]:
    """Sessions 0 to 39 of three clicks, one begun every 6 hours; 40 of a rare item that makes it a session of one; 41 of one click."""
    rows = [(session, (session + place) % 5, 6 * session + place) for session in range(40) for place in range(3)]
    return [*rows, (40, 5, 100), (40, 0, 101), (41, 1, 102)]


def test_the_rule_of_2016_filters_once_and_keeps_repeats() -> None:
    rows = [*log(), (39, 1, 237), (39, 1, 238)]
    said: list[str] = []
    parts = rule_of_2016(events(rows), 24, said.append)
    # session 41 goes first; then item 5, with which session 40 has two clicks; then session 40, which has one left
    assert [int(line.split(": ")[1].split(" ")[0]) for line in said[:3]] == [1, 1, 1]
    assert {session for session, _, _ in rows_of(parts.test)} == {36, 37, 38, 39}
    assert rows_of(parts.test)[-2:] == [(39, 1, 237), (39, 1, 238)]
    # the last click of train_full is at 212, and session 31 ends at 188
    assert {session for session, _, _ in rows_of(parts.train_valid)} == {31, 32, 33, 34, 35}
    assert parts.train_full.counts.sessions == 36
    assert parts.train_tr.counts.sessions == 31


def test_the_rule_of_2023_drops_repeats_and_cuts_sessions_at_the_split() -> None:
    rows = sorted([*log(), (35, 4, 217), (35, 0, 222), (39, 1, 236), (39, 1, 237), (39, 2, 238)], key=lambda row: (row[0], row[2]))
    said: list[str] = []
    parts = rule_of_2023(events(rows), 24, said.append)
    # the last click is at 238, so the test part begins at 214 with session 36, and ends session 35 there
    assert {session for session, _, _ in rows_of(parts.test)} == {36, 37, 38, 39}
    assert rows_of(parts.test)[-2:] == [(39, 1, 236), (39, 2, 238)]
    assert [row for row in rows_of(parts.train_full) if row[0] == 35] == [(35, 0, 210), (35, 1, 211), (35, 2, 212)]
    assert "split for test: 2 events are in neither part" in said
    assert {session for session, _, _ in rows_of(parts.train_valid)} == {32, 33, 34, 35}
    # with an end of its own, the log is divided elsewhere
    assert {session for session, _, _ in rows_of(rule_of_2023(events(rows), 24, quiet, 240).test)} == {36, 37, 38, 39}
    assert {session for session, _, _ in rows_of(rule_of_2023(events(rows), 24, quiet, 246).test)} == {37, 38, 39}


@pytest.mark.parametrize("rule", [rule_of_2016, rule_of_2023])
def test_nothing_to_divide_is_an_error(rule: object) -> None:
    with pytest.raises(InputError, match="nothing is left"):
        rule(events([(0, 0, 0)]), 24, quiet)  # type: ignore[operator]
    with pytest.raises(InputError, match="no session is left for the training part"):
        rule(events(log()), 10_000, quiet)  # type: ignore[operator]


@pytest.mark.real_data
def test_a_published_sample_of_rsc15_is_divided_as_it_was_published() -> None:
    folder = Path(os.environ.get("TURRET_DATA", "absent")) / "rsc15-100k"
    if not folder.is_dir():
        pytest.skip("TURRET_DATA names no folder with rsc15-100k")
    whole, *published = (np.loadtxt(folder / f"{part}.tsv", skiprows=1) for part in ("train_full", "train_tr", "train_valid"))
    items, item = np.unique(whole[:, 1], return_inverse=True)
    train_full = Events(whole[:, 0].astype(np.int64), item, whole[:, 2])
    divided = divide_by_end(train_full, whole[:, 2].max() - 86_400)
    for part, rows in zip(divided, published, strict=True):
        assert np.array_equal(np.column_stack([part.session, items[part.item], part.time]), rows)
