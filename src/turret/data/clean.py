"""Cleaning: which rows of the log count. Every step says what it dropped."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from turret.core.errors import InputError
from turret.core.interactions import IntArray
from turret.data.blocks import blocks, blocks_of_groups, counted
from turret.data.config import Cleaning
from turret.data.log import Log, Mask, stable_order
from turret.data.report import Report


def clean(log: Log, config: Cleaning, report: Report, absent: Collection[str] = ()) -> Log:
    """Takes the steps that `config` asks for, in the order of its fields, except the counts (see `core`).

    Args:
        log: all rows.
        config: the settings.
        report: takes notes.
        absent: of "user" and "item", what the log has no column of.

    Raises:
        InputError: a step needs a column that the log lacks, or nothing is left.
    """
    _refuse_without(absent, config)
    log = _in_range(log, "time", config.min_time, config.max_time, report)
    log = _in_range(log, "rating", config.min_rating, None, report)
    if config.label_threshold is not None:
        if log.rating is None:
            raise InputError("label_threshold makes labels of ratings, but the log has no rating column")
        label = (log.rating >= config.label_threshold).astype(np.float32)
        log = replace(log, labels={"label": label})
        report.add("labels", f"1 for {int(label.sum()):,} of {len(log):,} rows, those rated {config.label_threshold:g} or more")
    log = _in_range(log, "label", config.min_label, None, report)
    if config.duplicates != "keep":
        log = _without_duplicates(log, config.duplicates, report)
    return log


def _refuse_without(absent: Collection[str], config: Cleaning) -> None:
    for role in absent:
        for setting in (f"min_{role}_count", f"max_{role}_count"):
            if (getattr(config, setting) or 0) > 0:
                raise InputError(f"{setting} counts rows by {role}, but the log has no {role} column")
        if config.duplicates != "keep":
            raise InputError(f"duplicates {config.duplicates} is about rows of the same user and item, but the log has no {role} column")


def _in_range(log: Log, column: str, least: float | None, most: float | None, report: Report) -> Log:
    if least is None and most is None:
        return log
    values = getattr(log, column)
    if values is None:
        raise InputError(f"the settings drop rows by {column}, but the log has no {column} column")
    keep = np.ones(len(log), dtype=bool)
    for limit, inside in ((least, np.greater_equal), (most, np.less_equal)):
        if limit is not None:
            keep &= inside(values, limit)
    bounds = " and ".join(f"{word} {limit:g}" for word, limit in (("from", least), ("to", most)) if limit is not None)
    return keep_rows(log, keep, report, f"{column} range", f"{column} {bounds} kept")


def core(log: Log, config: Cleaning, report: Report) -> Log:
    """Drops users and items with too few or too many rows, in rounds, until all that are left have as many as they should.

    Each round is a count over the ids of the rows that are left, so it costs what reading them costs.
    """
    if not (config.min_user_count > 1 or config.min_item_count > 1 or config.max_user_count or config.max_item_count):
        return log
    alive, rounds = _alive(log.user, log.item, config)
    asked = (("users", config.min_user_count, config.max_user_count), ("items", config.min_item_count, config.max_item_count))
    bounds = [f"{name} {_bounds(least, most)}" for name, least, most in asked if least > 1 or most is not None]
    where = " of the training part" if config.count_on == "train" else ""
    return keep_rows(log, alive, report, "counts", f"{' and '.join(bounds)} rows{where} kept, {rounds} rounds")


def _alive(user: IntArray, item: IntArray, config: Cleaning) -> tuple[Mask, int]:
    """Which rows are left, and after how many rounds."""
    alive = np.ones(len(user), dtype=bool)
    rounds = 0
    while len(user):
        users = _within(_counts(user), config.min_user_count, config.max_user_count)
        items = _within(_counts(item), config.min_item_count, config.max_item_count)
        keep = np.empty(len(user), dtype=bool)
        for block in blocks(len(user)):
            keep[block] = users[user[block]] & items[item[block]]
        if keep.all():
            break
        alive[alive] = keep
        user, item, rounds = user[keep], item[keep], rounds + 1
    return alive, rounds


def _bounds(least: int, most: int | None) -> str:
    return f"of {least} or more" if most is None else f"of {least} to {most}"


def keep_rows(log: Log, keep: Mask, report: Report, step: str, note: str) -> Log:
    """The rows of a mask; what is lost is reported, and nothing being left is an error."""
    kept = log.take(keep)
    rows, users, items = len(log) - len(kept), _distinct(log.user) - _distinct(kept.user), _distinct(log.item) - _distinct(kept.item)
    report.add(step, note, rows=rows, users=users, items=items)
    if not len(kept):
        raise InputError("nothing is left of the log", hint=str(report).replace("\n", "\n  "))
    return kept


def _without_duplicates(log: Log, which: str, report: Report) -> Log:
    # The log is sorted by user and time, so a stable order of (user, item) keeps the rows of one pair in the order of time.
    n_items = int(log.item.max()) + 1
    keep = np.zeros(len(log), dtype=bool)
    total = np.zeros(len(log) if which == "sum" else 0, dtype=np.float32)
    for block in blocks_of_groups(_counts(log.user)):
        pair = log.user[block].astype(np.int64) * n_items + log.item[block]
        order = stable_order(pair)
        pair = pair[order]
        first = np.r_[True, pair[1:] != pair[:-1]]
        kept = order[np.r_[first[1:], True] if which == "last" else first]
        keep[block][kept] = True
        if which == "sum":
            weight = np.ones(len(pair)) if log.weight is None else log.weight[block].astype(np.float64)
            total[block][kept] = np.add.reduceat(weight[order], np.flatnonzero(first))
    if which == "sum":
        log = replace(log, weight=total)
    words = {"first": "the first is kept", "last": "the last is kept", "sum": "the first is kept, with the sum of their weights"}
    return keep_rows(log, keep, report, "duplicates", f"of rows of the same user and item {words[which]}")


def _within(counts: np.ndarray, least: int, most: int | None) -> Mask:
    return (counts >= least) & (counts <= most) if most is not None else counts >= least


def _distinct(ids: np.ndarray) -> int:
    return int(np.count_nonzero(_counts(ids)))


def _counts(ids: IntArray) -> IntArray:
    return counted(ids, int(ids.max()) + 1) if len(ids) else np.zeros(0, dtype=np.int64)
