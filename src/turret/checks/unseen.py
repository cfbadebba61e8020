"""Items and users that only later parts hold: what no model can name, and whom some models cannot serve."""

from __future__ import annotations

import numpy as np

from turret.checks.finding import Finding, Verdict, absent, number, of, some
from turret.checks.subject import Subject
from turret.data.prepared import TEST, VALID
from turret.evaluation.questions import Questions

NAME = "only in later parts"
LOW = 0.95
"""A ceiling below this is a warning."""


def check(subject: Subject) -> Finding:
    """Shares of rows of items and users that training never saw, and the ceilings that follow."""
    if subject.lacking:
        return absent(NAME, subject.lacking)
    prepared = subject.prepared
    found: list[str] = []
    figures: dict[str, float] = {}
    for part in (VALID, TEST):
        log = prepared.chosen(part)
        if not len(log):
            continue
        items = int(np.count_nonzero(np.asarray(log.item) >= prepared.n_items))
        users = int(np.count_nonzero(np.asarray(log.user) >= prepared.n_users))
        found.append(f"{part}: {of(items, len(log), 'rows')} are of items and {some(users, len(log))} of users that training never saw.")
        figures |= {f"{part}.rows_of_unseen_items": items / len(log), f"{part}.rows_of_unseen_users": users / len(log)}
    unserved = int(np.count_nonzero(subject.questions.users >= prepared.n_users))
    asked = len(subject.questions)
    whole, ten = ceilings(subject.questions)
    figures |= {"ceiling.recall": whole, "ceiling.recall@10": ten, "users_without_training": unserved}
    worst = figures[f"{TEST}.rows_of_unseen_items"] or unserved
    if not worst:
        effect = f"none on the test: every right item can be named. In lists of 10, recall@10 cannot pass {number(ten)}."
        return Finding(NAME, "ok", " ".join(found), effect, figures=figures)
    named = "every right item can be named" if whole == 1 else f"recall without a cutoff cannot pass {whole:.5f}"
    effect = f"{named}; in lists of 10, recall@10 cannot pass {number(ten)}."
    if unserved:
        effect += f" Models that read user ids cannot serve {of(unserved, asked, 'test users')}, and leave them out of their means."
    advice = (
        "Compare only models that answered for the same users; models that read histories serve the others, towers of features new items."
    )
    mark: Verdict = "warning" if whole < LOW or unserved > (1 - LOW) * asked else "note"
    return Finding(NAME, mark, " ".join(found), effect, advice, figures)


def ceilings(questions: Questions) -> tuple[float, float]:
    """The best recall that any model can reach, without a cutoff and in lists of 10: means over users."""
    if not len(questions):
        return float("nan"), float("nan")
    asked, can = questions.truth.lengths, questions.in_catalogue.lengths
    return float(np.mean(can / asked)), float(np.mean(np.minimum(can, 10) / asked))
