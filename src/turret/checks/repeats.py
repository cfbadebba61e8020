"""Repeated consumption: how much of the test is what its users had before, and how far one's own history alone gets."""

from __future__ import annotations

import numpy as np

from turret.checks.finding import Finding, absent, number, of, share, verdict
from turret.checks.models import OwnHistory
from turret.checks.subject import Subject, pairs
from turret.data.prepared import TEST, Prepared

NAME = "repeated consumption"


def check(subject: Subject) -> Finding:
    """Test rows whose item the user had before, and recall@10 of the user's own history beside popularity's where they count."""
    if subject.lacking:
        return absent(NAME, subject.lacking)
    again = repeated(subject.prepared)
    found = f"in {of(again, len(subject.test), 'rows')} of the test the user had the item before."
    figures = {"test.rows_repeated": share(again, len(subject.test))}
    if not again:
        return Finding(NAME, "ok", found, "none: no right item depends on whether known items count.", figures=figures)
    own = subject.measured(OwnHistory(subject.train.item_counts), repeat_consumption=True).metrics["recall@10"]
    popular = subject.measured(subject.popularity, repeat_consumption=True).metrics["recall@10"]
    effect = (
        "without --repeat_consumption the evaluation is silent about these rows. With it, a user's own history, the most frequent first, "
        f"reaches recall@10 {number(own)} and popularity {number(popular)}."
    )
    advice = (
        "Say which is asked, new items (the default) or whatever comes next; in the latter case a model must beat the user's own history."
    )
    figures |= {"recall@10.own_history": own, "recall@10.popularity": popular}
    return Finding(NAME, verdict(figures["test.rows_repeated"], note=0, warning=0.1), found, effect, advice, figures)


def repeated(prepared: Prepared) -> int:
    """How many test rows are of a pair of user and item that training or validation hold, or that an earlier row of the test has."""
    width = len(prepared.items.vocabulary)
    asked = pairs(prepared.interactions(TEST).choices, width)
    had = np.sort(np.concatenate([pairs(part.interactions.choices, width) for name, part in prepared.parts.items() if name != TEST]))
    before = had[np.minimum(np.searchsorted(had, asked), len(had) - 1)] == asked
    return int(np.count_nonzero(before)) + int(np.count_nonzero(~before)) - len(np.unique(asked[~before]))
