"""Duplicates: pairs of user and item that are asked although they were known, and rows that stand in the log more than once."""

from __future__ import annotations

import numpy as np

from turret.checks.finding import Finding, absent, count, number, of, share, verdict
from turret.checks.models import OwnHistory
from turret.checks.subject import Subject
from turret.core.interactions import IntArray
from turret.data.prepared import TRAIN, Prepared

NAME = "duplicates"


def check(subject: Subject) -> Finding:
    """Pairs of the test that training or validation hold, and rows equal in user, item and time (where there are times)."""
    if subject.lacking:
        return absent(NAME, subject.lacking)
    inside, across = equal_rows(subject.prepared)
    known, new = subject.questions.known, len(subject.questions.truth.values)
    lost = len(np.unique(subject.test.user)) - len(subject.questions)
    figures = {
        "right_items": known + new,
        "known_before": known,
        "users_left_out": lost,
        "rows_twice_inside": inside,
        "rows_of_training_again": across,
    }
    alike = "user, item and time" if subject.train.time is not None else "user and item (there are no times to tell them apart by)"
    found = (
        f"{of(known, known + new, 'right items')} of the test are pairs of user and item that training or validation hold already. "
        f"Of rows equal in {alike}, {inside:,} repeat another of their own part, and {across:,} of later parts repeat one of training."
    )
    if not known and not inside and not across:
        return Finding(NAME, "ok", found, "none: nothing is left out, and nothing counts twice.", figures=figures)
    remembered = subject.measured(OwnHistory(subject.train.item_counts), repeat_consumption=True).metrics.get("recall@10", float("nan"))
    effect = f"the evaluation leaves these right items out, and with them {count(lost, 'user')} altogether. " if known else ""
    effect += f"Where known items count (repeat_consumption), a list of what the user had reaches recall@10 {number(remembered)}."
    effect += " A row that stands twice counts twice in all that is learnt from counts." if inside or across else ""
    advice = "--duplicates first keeps one row of each pair of user and item; --repeat_consumption asks for known items too."
    return Finding(
        NAME,
        verdict(max(share(known, known + new), share(across, len(subject.test))), note=-1, warning=0.05),
        found,
        effect,
        advice,
        {**figures, "recall@10.remembering": remembered},
    )


def equal_rows(prepared: Prepared) -> tuple[int, int]:
    """How many choices stand once more inside their part, and how many of later parts stand in the training part as well."""
    logs = {name: part.interactions.choices for name, part in prepared.parts.items() if len(part.interactions)}
    part = np.repeat(np.arange(len(logs)), [len(log) for log in logs.values()])
    columns = [np.concatenate([getattr(log, name) for log in logs.values()]) for name in ("user", "item")]
    if all(log.time is not None for log in logs.values()):
        columns.append(np.concatenate([log.time for log in logs.values() if log.time is not None]))
    order = np.lexsort((part, *columns))
    fresh = np.zeros(len(order), dtype=bool)
    fresh[:1] = True
    for column in columns:
        ordered = column[order]
        fresh[1:] |= ordered[1:] != ordered[:-1]
    row: IntArray = np.cumsum(fresh) - 1
    part = part[order]
    inside = int(np.count_nonzero((row[1:] == row[:-1]) & (part[1:] == part[:-1])))
    train = list(logs).index(TRAIN)
    in_training = np.bincount(row[part == train], minlength=row[-1] + 1) > 0
    return inside, int(np.count_nonzero(in_training[row] & (part != train)))
