"""What is done to clicks in columns before they are sessions to learn from: each step a function, none with a loop over rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from turret.core.interactions import IntArray
from turret.data.log import Mask, stable_order

Times = npt.NDArray[Any]
"""Whole numbers or fractional ones."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is."""

    events: int
    sessions: int
    items: int

    def __str__(self) -> str:
        return f"{self.events:,} events in {self.sessions:,} sessions on {self.items:,} items"


@dataclass(frozen=True, slots=True)
class Events:
    """Who clicked on what and when, a row each.

    Attributes:
        session, item: int [n] numbers from 0.
        time: int64 or float64 [n] in a unit that the dataset chooses.
    """

    session: IntArray
    item: IntArray
    time: Times

    def __len__(self) -> int:
        return len(self.session)

    def take(self, rows: IntArray | Mask) -> Events:
        """Some of the rows, by position or by mask."""
        return Events(self.session[rows], self.item[rows], self.time[rows])

    @property
    def counts(self) -> Counts:
        """How much is left."""
        return Counts(len(self), _distinct(self.session), _distinct(self.item))


def in_order(group: IntArray, time: IntArray, item: IntArray) -> IntArray:
    """int64 [n] the order by group (a session, or a user), then time, then item; none is negative."""
    order = stable_order(item)
    order = order[stable_order(time[order] - (time.min() if len(time) else 0))]
    return order[stable_order(group[order])]


def sessions_by_gap(user: IntArray, time: IntArray, gap: int) -> IntArray:
    """int64 [n] a session for each row, numbered from 0: a new one begins with another user, or later than `gap` after the row before.

    Args:
        user, time: [n] in order.
        gap: the longest pause inside a session.
    """
    begins = np.ones(len(user), dtype=bool)
    begins[1:] = (user[1:] != user[:-1]) | (time[1:] - time[:-1] > gap)
    return np.cumsum(begins) - 1


def in_sessions(user: IntArray, item: IntArray, time: IntArray, gap: int) -> tuple[Events, IntArray]:
    """What users did, cut into sessions.

    Args:
        user, item, time: [n] in any order, none negative.
        gap: the longest pause inside a session.

    Returns:
        The events in order, and int64 [n] the row that each was.
    """
    rows = in_order(user, time, item)
    time = time[rows]
    return Events(sessions_by_gap(user[rows], time, gap), item[rows], time), rows


def repeats(events: Events) -> Mask:
    """bool [n]: clicks on the same item as the click before in their session. Rows are in order."""
    same = np.zeros(len(events), dtype=bool)
    same[1:] = (events.session[1:] == events.session[:-1]) & (events.item[1:] == events.item[:-1])
    return same


def in_long_sessions(events: Events, least: int) -> Mask:
    """bool [n]: in sessions of at least so many events."""
    return _often(events.session, least)


def on_frequent_items(events: Events, least: int) -> Mask:
    """bool [n]: on items with at least so many events."""
    return _often(events.item, least)


def until_stable(events: Events, length: int, support: int) -> Events:
    """The most events of which every session has at least `length` and every item `support`: short sessions and rare items are dropped in
    turn until none is left. In which turn does not matter."""
    n = -1
    while len(events) != n:
        n = len(events)
        events = events.take(in_long_sessions(events, length))
        events = events.take(on_frequent_items(events, support))
    return events


def first_times(events: Events) -> Times:
    """[n] when the session of each event begins."""
    return _by_session(events, np.minimum)


def last_times(events: Events) -> Times:
    """[n] when the session of each event ends."""
    return _by_session(events, np.maximum)


def _by_session(events: Events, extreme: np.ufunc) -> Times:
    if not len(events):
        return events.time
    found = np.empty(int(events.session.max()) + 1, dtype=events.time.dtype)
    found[events.session] = events.time
    extreme.at(found, events.session, events.time)
    times: Times = found[events.session]
    return times


def _distinct(ids: IntArray) -> int:
    return int(np.count_nonzero(np.bincount(ids)))


def _often(ids: IntArray, least: int) -> Mask:
    often: Mask = np.bincount(ids)[ids] >= least
    return often
