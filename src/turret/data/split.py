"""Splitting a log into train, fold_in, valid and test.

All modes but those by time or by file rest on one rule, `shares`: how many of a group's n rows go to each part. The group is a user's rows
(user_entry, leave_one_out), all rows (entry, count) or all users (user); which rows they are, the order decides, train first: a drawn one,
or that of time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from turret.core.errors import InputError
from turret.core.interactions import FloatArray, IntArray
from turret.core.seeds import numpy_generator
from turret.data.blocks import blocks, counted, places, positions, taken
from turret.data.config import Split
from turret.data.log import Log, by_time, rank_in_group, stable_order
from turret.data.prepared import FOLD_IN, TEST, TRAIN, VALID
from turret.data.report import Report

PARTS = (TRAIN, FOLD_IN, VALID, TEST)
_TRAIN, _FOLD_IN, _VALID, _TEST = range(4)


def split(log: Log, config: Split, report: Report, *, users: bool = True, sessions: bool = False) -> IntArray:
    """int8 [n] the part of each row, an index into `PARTS`.

    Args:
        log: cleaned rows.
        config: the settings; with "auto", published parts count where the log has them.
        report: takes notes.
        users: whether the log has users; without them, auto is published or entry.
        sessions: the users are sessions, so those of a published test part are new ones, whose first rows are known (fold_in).

    Raises:
        InputError: the training part would be empty, or published parts or users are asked for and there are none.
    """
    mode = config.split_mode
    if mode == "auto":
        mode = "published" if log.part is not None else "user_entry" if users else "entry"
    if not users and mode in ("user_entry", "leave_one_out", "user"):
        raise InputError(f"split_mode {mode} divides the rows of users, but the log has no user column", hint="entry divides all rows")
    part = _BY_MODE[mode](log, config)
    if mode == "published" and sessions:
        part = _with_fold_in(log, part, config)
    if mode == "published" and config.published_valid_ratio > 0 and not np.any(part == _VALID):
        part = _with_valid(log, part, config, users=users, sessions=sessions)
        report.add(
            "published split",
            f"without a valid part: {np.count_nonzero(part == _VALID):,} of its training rows became one (published_valid_ratio)",
        )
    order = order_of(config, mode)
    if order == "time" and log.time is None and mode != "published":
        report.add("split", "the log has no times, so its order counts")
    counts = ", ".join(f"{name} {np.count_nonzero(part == index):,}" for index, name in enumerate(PARTS) if np.any(part == index))
    report.add("split", f"{mode}{'' if mode == 'published' else f', {order} order'}: {counts} rows")
    if not np.any(part == _TRAIN):
        raise InputError(
            "the split leaves no row to train on", hint=f"{len(log):,} rows were split by {mode}; look at the settings of the split"
        )
    return part


def order_of(config: Split, mode: str) -> str:
    """Whether the later parts are drawn or are the latest rows."""
    return config.split_order or ("time" if mode in ("leave_one_out", "time") else "random")


def is_time_ordered(log: Log, part: IntArray, config: Split) -> bool:
    """Whether, for each user, later parts are later rows: known of a split that went by the order, found out of a published one."""
    mode = config.split_mode
    if mode == "published" or (mode == "auto" and log.part is not None):
        return log.time is not None and _lies_in_order(log.user, log.time, part)
    return order_of(config, mode) == "time"


def _lies_in_order(user: IntArray, time: FloatArray, part: IntArray) -> bool:
    turned = (user[1:] == user[:-1]) & (part[1:] < part[:-1])
    if np.any(turned & (time[1:] > time[:-1])):
        return False
    if not np.any(turned):
        return True
    # What is left is turned within one moment, where rows have no order: the parts may take theirs.
    part = part[np.lexsort((part, time, user))]
    return not np.any((user[1:] == user[:-1]) & (part[1:] < part[:-1]))


def shares(n: IntArray, ratio: Sequence[float]) -> tuple[IntArray, IntArray]:
    """How many of a group's n rows train and valid get; test gets the rest.

    Valid and test get the whole part of their share and train all else. A share below one row is made one, test before valid, while that
    leaves train at least one. (The same rule as RecBole's, so that its figures can be compared.)
    """
    # A hair is added, since 0.1 * 30 may be a hair below or above 3.
    valid, test = (np.floor(share * n + 1e-9).astype(np.int64) for share in ratio[1:])
    train = n - valid - test
    for share, rows in ((ratio[2], test), (ratio[1], valid)):
        lifted = (share > 0) & (rows == 0) & (train > 1)
        rows += lifted
        train -= lifted
    return train, valid


def _user_entry(log: Log, config: Split) -> IntArray:
    train, valid = shares(_rows_of_users(log.user), config.split_ratio)
    return _by_rank(_rank_in_user(log, config, "user_entry"), train, valid, log.user)


def _entry(log: Log, config: Split) -> IntArray:
    train, valid = shares(np.array([len(log)]), config.split_ratio)
    return _by_rank(_rank_in_log(log, config, "entry"), train, valid)


def _count(log: Log, config: Split) -> IntArray:
    assert config.split_count is not None
    valid, test = config.split_count
    if valid + test >= len(log):
        raise InputError(f"split_count takes {valid + test:,} rows of {len(log):,}, which leaves none to train on")
    return _by_rank(_rank_in_log(log, config, "count"), np.array([len(log) - valid - test]), np.array([valid]))


def _leave_one_out(log: Log, config: Split) -> IntArray:
    """Each user's last `leave_n` rows are test, those before them valid; a user of few rows keeps one to train on, and fills test first."""
    n = _rows_of_users(log.user)
    test = np.minimum(config.leave_n, np.maximum(n - 1, 0))
    valid = np.minimum(config.leave_n, np.maximum(n - 1 - test, 0))
    return _by_rank(_rank_in_user(log, config, "leave_one_out"), n - valid - test, valid, log.user)


def _time(log: Log, config: Split) -> IntArray:
    """Rows of one moment stay together: a part begins with the first row at or after its moment."""
    if log.time is None:
        raise InputError("split_mode time needs a time column", hint="say which it is: --columns NAME=time")
    if config.split_time is None:
        times = np.sort(log.time)
        train, valid = shares(np.array([len(log)]), config.split_ratio)
        starts = [int(train[0]), int(train[0] + valid[0])]
        moments = [times[start] if start < len(times) else np.inf for start in starts]
    else:
        moments = [config.split_time[0], config.split_time[-1]]
    part = np.full(len(log), _TRAIN, dtype=np.int8)
    part[log.time >= moments[0]] = _VALID
    part[log.time >= moments[1]] = _TEST
    return part


def _user(log: Log, config: Split) -> IntArray:
    users = np.unique(log.user)
    train, valid = shares(np.array([len(users)]), config.split_ratio)
    rank = numpy_generator(config.split_seed, "split", "users").permutation(len(users))
    part_of_user = np.zeros(int(users.max()) + 1, dtype=np.int8)
    part_of_user[users] = _by_rank(rank, train, valid)
    part = part_of_user[log.user]
    return np.where(_is_known(log, config) & (part != _TRAIN), np.int8(_FOLD_IN), part)


def _published(log: Log, config: Split) -> IntArray:
    if log.part is None:
        raise InputError("split_mode published needs files that are split, such as NAME.train.inter and NAME.test.inter")
    return log.part


_BY_MODE = {
    "user_entry": _user_entry,
    "entry": _entry,
    "user": _user,
    "leave_one_out": _leave_one_out,
    "time": _time,
    "count": _count,
    "published": _published,
}


def _is_known(log: Log, config: Split) -> np.ndarray:
    """bool [n]: the rows of each user that are known when the rest is to be predicted; one at least is to be predicted."""
    n = _rows_of_users(log.user)
    known = np.minimum(np.maximum(np.floor(config.fold_in_ratio * n + 1e-9), 1), n - 1).astype(np.int64)
    return np.asarray(_rank_in_user(log, config, "fold_in") < taken(known, log.user))


def _with_fold_in(log: Log, part: IntArray, config: Split) -> IntArray:
    """Makes the first rows of sessions that the training part lacks known."""
    trained = counted(log.user[part == _TRAIN], int(log.user.max()) + 1) > 0
    in_time = config.model_copy(update={"split_order": "time"})
    return np.where(~trained[log.user] & _is_known(log, in_time) & (part != _TRAIN), np.int8(_FOLD_IN), part)


def _with_valid(log: Log, part: IntArray, config: Split, *, users: bool, sessions: bool) -> IntArray:
    """Takes a valid part from the training part: whole sessions, or rows of each user (of all), the latest where the log has times."""
    rows = positions(part == _TRAIN)
    order = config.split_order or ("random" if log.time is None else "time")
    ratio = (1 - config.published_valid_ratio, config.published_valid_ratio, 0.0)
    own = config.model_copy(update={"split_ratio": ratio, "split_order": "time" if sessions else order})
    part = part.copy()
    part[rows] = (_user if sessions else _user_entry if users else _entry)(log.take(rows), own)
    return part


def _rows_of_users(user: IntArray) -> IntArray:
    """int64 [users] how many rows each user has."""
    return counted(user, int(user.max(initial=-1)) + 1)


def _rank_in_user(log: Log, config: Split, mode: str) -> IntArray:
    """int [n] the place of each row among its user's rows, drawn or in time."""
    if order_of(config, mode) == "time":
        return rank_in_group(log.user)
    drawn = _drawn(len(log), config, mode)
    order = taken(drawn, stable_order(taken(log.user, drawn)))
    rank = np.empty_like(order)
    rank[order] = rank_in_group(taken(log.user, order))
    return rank


def _rank_in_log(log: Log, config: Split, mode: str) -> IntArray:
    if order_of(config, mode) == "random":
        return _drawn(len(log), config, mode)
    by_row = stable_order(log.row)
    order = taken(by_row, by_time(None if log.time is None else taken(log.time, by_row), len(log)))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(log), dtype=rank.dtype)
    return rank


def _drawn(n: int, config: Split, mode: str) -> IntArray:
    """int [n] the numbers of n rows in an order that is drawn."""
    return numpy_generator(config.split_seed, "split", mode).permutation(np.arange(n, dtype=places(n)))


def _by_rank(rank: IntArray, train: IntArray, valid: IntArray, group: IntArray | None = None) -> IntArray:
    """int8 [n] the part of each row by its rank in its group [n]; `train` and `valid` are a number a group, or one for all rows."""
    part = np.full(len(rank), _TEST, dtype=np.int8)
    before_test = train + valid
    for block in blocks(len(rank)):
        own = 0 if group is None else group[block]
        part[block][rank[block] < before_test[own]] = _VALID
        part[block][rank[block] < train[own]] = _TRAIN
    return part
