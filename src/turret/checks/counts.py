"""Cleaning by counts of the whole log: what training keeps only because later rows were counted too."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from turret.checks.finding import Finding, absent, of, share, some, verdict
from turret.checks.subject import Subject
from turret.core.errors import InputError
from turret.core.interactions import IntArray, Interactions
from turret.data.clean import core
from turret.data.config import Cleaning
from turret.data.log import Log, Mask
from turret.data.prepared import TRAIN, Prepared
from turret.data.report import Report

NAME = "cleaning"
A_CORE = 3
"""Where every user and every item has so many rows, somebody has probably seen to it."""


def check(subject: Subject) -> Finding:
    """Rows, users and items of training that do not reach the counts by training's own rows, and the test rows that go with them."""
    if subject.lacking:
        return absent(NAME, subject.lacking)
    asked = subject.cleaning
    counting = asked.min_user_count > 1 or asked.min_item_count > 1
    if counting and asked.count_on == "train":
        return Finding(NAME, "ok", "rows were counted in the training part alone (count_on train).", "none: later rows had no say.")
    bounds = asked if counting else observed(subject.prepared)
    if bounds is None:
        return absent(NAME, "neither is a count asked for, nor does the log look as if somebody had filtered it by one")
    train = subject.prepared.interactions(TRAIN)
    kept = core_of(train, bounds)
    items, users = (np.bincount(ids[kept], minlength=n) > 0 for ids, n in ((train.item, train.n_items), (train.user, train.n_users)))
    missed, strangers = of_others(subject.test, users, items)
    lost = len(train) - int(np.count_nonzero(kept))
    n_users, n_items = int(np.count_nonzero(~users)), int(np.count_nonzero(~items))
    figures = {
        "min_user_count": bounds.min_user_count,
        "min_item_count": bounds.min_item_count,
        "training_rows": lost / len(train),
        "users": share(n_users, len(users)),
        "items": share(n_items, len(items)),
        "test_rows_of_items": missed / len(subject.test),
        "test_rows_of_users": strangers / len(subject.test),
    }
    how = (
        "were kept by counts of the whole log" if counting else "look as if they were kept by counts of the whole log before they came here"
    )
    found = (
        f"rows {how} ({_bounds(bounds)}). By its own rows alone training "
        f"would lose {of(lost, len(train), 'rows')}, {of(n_users, len(users), 'users')} and {of(n_items, len(items), 'items')}."
    )
    if not lost:
        return Finding(NAME, "ok", found, "none: training's own rows reach the counts.", figures=figures)
    effect = (
        f"{of(missed, len(subject.test), 'test rows')} are of items that training would then lack and every model would miss, "
        f"{some(strangers, len(subject.test))} others of users of whom nothing would be known. Figures here leave that difficulty "
        f"out: at the time of the test nobody knew who and what would reach the counts."
    )
    advice = (
        "--count_on train counts in the training part alone."
        if counting
        else "The raw log with --count_on train would show the difference."
    )
    return Finding(NAME, verdict((missed + strangers) / len(subject.test), note=-1, warning=0.05), found, effect, advice, figures)


def _bounds(asked: Cleaning) -> str:
    least = {"a user": asked.min_user_count, "an item": asked.min_item_count}
    return ", ".join(f"{n} or more {of_what}" for of_what, n in least.items() if n > 1)


def observed(prepared: Prepared) -> Cleaning | None:
    """The counts that every user and every item of the whole log has, where both are such as filters leave; else None."""
    least = []
    for role in ("user", "item"):
        ids = np.concatenate([np.asarray(getattr(part.interactions, role)) for part in prepared.parts.values()])
        counts = np.bincount(ids)
        least.append(int(counts[counts > 0].min()))
    return Cleaning(min_user_count=least[0], min_item_count=least[1]) if min(least) >= A_CORE else None


def core_of(log: Interactions, bounds: Cleaning) -> Mask:
    """bool [n] the rows that are left by counts of these rows alone; none where nothing is left."""
    kept = np.zeros(len(log), dtype=bool)
    row: IntArray = np.arange(len(log))
    with suppress(InputError):  # which says that nothing is left
        kept[core(Log(np.asarray(log.user), np.asarray(log.item), row), bounds, Report()).row] = True
    return kept


def of_others(log: Interactions, users: Mask, items: Mask) -> tuple[int, int]:
    """How many rows are of an item that training would lack by its own rows, and how many others of such a user.

    Args:
        log: the rows, of users and items that may be more than training's.
        users, items: bool, which of training's are left.
    """
    lost_user, lost_item = np.zeros(log.n_users, dtype=bool), np.zeros(log.n_items, dtype=bool)
    lost_user[: len(users)], lost_item[: len(items)] = ~users, ~items
    missed = lost_item[log.item]
    return int(np.count_nonzero(missed)), int(np.count_nonzero(lost_user[log.user] & ~missed))
