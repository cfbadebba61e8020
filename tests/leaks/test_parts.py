"""Every row is in one part at most, and where the split is in time, no later part holds anything earlier than a row before the cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from turret.data.prepared import FOLD_IN, TEST, TRAIN, VALID

from .random_logs import CUTS, PARTS, WAYS, RandomLog, marks, random_logs, tried

OF_ALL = [name for name in WAYS if name in ("entry, in time", "count, in time") or WAYS[name].split.split_mode == "time"]
OF_EACH = [name for name in WAYS if WAYS[name].in_time and name not in OF_ALL]


@pytest.mark.parametrize("way", WAYS)
@tried(10)
@given(log=random_logs())
def test_every_row_is_in_one_part_as_it_was(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    everything = np.concatenate([marks(prepared, part) for part in PARTS])
    assert sorted(everything) == list(range(len(log)))
    for part in PARTS:
        rows = prepared.interactions(part) if part in prepared.parts else prepared.interactions(TRAIN).take(np.empty(0, dtype=int))
        names = zip(prepared.users.vocabulary.tokens(rows.user), prepared.items.vocabulary.tokens(rows.item), strict=True)
        assert list(names) == [(log.row(mark)[WAYS[way].who], log.row(mark)["item"]) for mark in marks(prepared, part)]


@pytest.mark.parametrize("way", OF_ALL)
@tried(15)
@given(log=random_logs())
def test_nothing_is_later_than_the_cut(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    train, valid, test = ([float(log.row(mark)["time"]) for mark in marks(prepared, part)] for part in (TRAIN, VALID, TEST))
    for before, after in ((train, valid), (train, test), (valid, test)):
        if before and after:
            # Of a number of rows, the cut may lie within a moment; of points in time, never.
            assert max(before) < min(after) if WAYS[way].split.split_mode == "time" else max(before) <= min(after)
    if WAYS[way].split.split_time is not None:
        assert max(train) < CUTS[0]
        assert all(CUTS[0] <= time < CUTS[1] for time in valid) and all(time >= CUTS[1] for time in test)


@pytest.mark.parametrize("way", OF_EACH)
@tried(15)
@given(log=random_logs())
def test_nothing_of_a_user_is_later_than_the_user_s_cut(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    assert prepared.time_ordered
    latest: dict[str, float] = {}
    for part in (TRAIN, FOLD_IN, VALID, TEST):
        rows = [log.row(mark) for mark in marks(prepared, part)]
        assert all(row["time"] >= latest.get(row["user"], 0.0) for row in rows)
        for row in rows:
            latest[row["user"]] = max(latest.get(row["user"], 0.0), row["time"])
