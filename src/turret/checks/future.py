"""Leakage in time: what training knows of the time after the test."""

from __future__ import annotations

import numpy as np

from turret.checks.finding import Finding, Verdict, absent, between, number, of, some
from turret.checks.models import PopularityBefore
from turret.checks.subject import Subject
from turret.core.interactions import FloatArray, Interactions

NAME = "leakage in time"
MUCH = 0.01
"""From this share of test rows on, items that training knows from the future alone are a warning."""
NEARLY = 0.9
"""Cleaning may have taken rows away, so not all times need be places for us to take them for such."""


def check(subject: Subject) -> Finding:
    """Training rows after the test, items known from the future alone, and what the future gives popularity."""
    if subject.lacking:
        return absent(NAME, subject.lacking)
    train, test = subject.train, subject.test
    if train.time is None or test.time is None:
        return absent(NAME, "the log has no times")
    moment = first_times(test.user, test.time, test.n_users)
    own = int(np.count_nonzero(train.time > moment[train.user]))
    figures = {"training_after_own_test": own / len(train)}
    if are_places(subject.prepared.chosen(*subject.prepared.parts)):
        reason = "times are places in each user's own sequence, not moments, so those of different users cannot be compared"
        return absent(NAME, f"{reason}; {of(own, len(train), 'training rows')} come after their user's first test row")
    after = int(np.count_nonzero(train.time > test.time.min()))
    ahead = from_the_future(train, test)
    figures |= {"training_after_first_test": after / len(train), "test_rows_of_items_from_the_future": ahead / len(test)}
    found = (
        f"{of(after, len(train), 'training rows')} are later than the first test row, {some(own, len(train))} later than the first "
        f"test row of their own user; {of(ahead, len(test), 'test rows')} are of items that training knows from later rows alone."
    )
    if not after:
        return Finding(NAME, "ok", found, "none: nothing in training is later than the test.", figures=figures)
    if subject.unasked:
        return Finding(NAME, "warning" if own else "note", found, "not measured: the test asks nothing.", figures=figures)
    order = np.argsort(train.time, kind="stable")
    before = subject.measured(PopularityBefore(train.item[order], train.time[order], moment, subject.prepared.n_items))
    reached = subject.of_popularity.metrics["ndcg@10"], before.metrics["ndcg@10"]
    interval = subject.interval(subject.of_popularity.per_user["ndcg@10"] - before.per_user["ndcg@10"])
    figures |= {
        "ndcg@10.popularity": reached[0],
        "ndcg@10.popularity_before": reached[1],
        "gain": reached[0] - reached[1],
        "gain.low": interval[0],
        "gain.high": interval[1],
    }
    effect = (
        f"popularity counted on all training rows has nDCG@10 {number(reached[0])}, counted only on rows before each user's first test row "
        f"{number(reached[1])}: {figures['gain']:+.4f} from the future ({between(interval)}). That is what counting gains; a model that "
        "fits more may gain more."
    )
    advice = (
        "--split_mode time divides at moments that are the same for all and leaks nothing; --split_order time at least keeps each user's "
        "own future out."
    )
    leaks = own > 0 or interval[0] > 0 or ahead >= MUCH * len(test)
    mark: Verdict = "warning" if leaks else "note"
    return Finding(NAME, mark, found, effect, advice, figures)


def first_times(ids: np.ndarray, time: FloatArray, n: int) -> FloatArray:
    """float64 [n] the earliest time of each id, infinite for one that has no row."""
    first = np.full(n, np.inf)
    np.minimum.at(first, np.asarray(ids), np.asarray(time, dtype=np.float64))
    return first


def from_the_future(train: Interactions, test: Interactions) -> int:
    """How many test rows are of items that training knows, but not from any row at or before their time."""
    assert train.time is not None and test.time is not None
    first = first_times(train.item, train.time, test.n_items)[test.item]
    return int(np.count_nonzero(np.isfinite(first) & (first > test.time)))


def are_places(log: Interactions) -> bool:
    """Whether the times of a whole log are 0, 1, 2, ... or 1, 2, 3, ... within nearly every user: places in a sequence, not moments."""
    if log.time is None or len(np.unique(log.user)) < 2:
        return False
    first = first_times(log.user, log.time, log.n_users)
    first = first[np.isfinite(first)]
    steps = np.diff(log.time)[log.user[1:] == log.user[:-1]]
    begins = np.mean((first == 0) | (first == 1))
    return bool(len(steps) and begins > NEARLY and np.mean(steps == 1) > NEARLY)
