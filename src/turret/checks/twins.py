"""Impressions that are the same to a model: different answers bound what it can reach, and those of other parts can be remembered."""

from __future__ import annotations

import numpy as np

from turret.batches.schema import labels_of
from turret.checks.finding import Finding, absent, number, of, verdict
from turret.checks.impressions import auc, is_binary, keys, lacking, rates
from turret.checks.subject import Subject
from turret.core.interactions import IntArray
from turret.data.prepared import TEST, TRAIN

NAME = "identical impressions"


def check(subject: Subject) -> Finding:
    """Test impressions equal in user, item and all columns to others of another answer, or to one of training."""
    if reason := lacking(subject):
        return absent(NAME, reason)
    prepared = subject.prepared
    if not prepared.n_users and not prepared.n_items and not prepared.parts[TRAIN].features:
        return absent(NAME, "impressions have no user, no item and no features")
    task = next(iter(labels_of(prepared.parts[TRAIN])))
    before, labels = (np.asarray(labels_of(prepared.parts[part])[task]).astype(np.float64) for part in (TRAIN, TEST))
    if not is_binary(before) or not is_binary(labels):
        return absent(NAME, f"{task} is a number, not an answer")
    every, group = np.unique(np.concatenate([keys(prepared, TRAIN), keys(prepared, TEST)]), return_inverse=True)
    train, test = group[: len(before)], group[len(before) :]
    torn = contradicted(test, labels, len(every))
    seen = np.bincount(train, minlength=len(every))[test] > 0
    ceiling, remembering = auc(own_rates(test, labels, len(every)), labels), auc(rates(train, before, len(every))[test], labels)
    figures = {
        "test.contradicted": torn / len(labels),
        "test.in_training": float(seen.mean()),
        "auc.ceiling": ceiling,
        "auc.remembering": remembering,
    }
    found = (
        f"{of(torn, len(labels), 'test impressions')} are the same to a model as another of the test that has the other answer, "
        f"{of(int(seen.sum()), len(labels), 'test impressions')} the same as one of training."
    )
    effect = (
        f"no model of ids and features alone can pass auc {ceiling:.5f} of {task} on the test; the answers of identical training "
        f"impressions alone, without any model, have auc {number(remembering)}."
    )
    if not torn and not seen.any():
        effect = "none: a model can tell the test impressions apart, and there is nothing to remember them by."
    mark = max(
        (verdict(1 - ceiling, note=0, warning=0.05), verdict(remembering, note=0.6, warning=0.75)), key=("ok", "note", "warning").index
    )
    advice = (
        "Features that tell the rows apart raise the ceiling. If the log has rows twice, drop them before it is split."
        if mark != "ok"
        else ""
    )
    return Finding(NAME, mark, found, effect, advice, figures)


def contradicted(group: IntArray, labels: np.ndarray, groups: int) -> int:
    """How many rows are in a group of rows that has both labels."""
    n, ones = np.bincount(group, minlength=groups), np.bincount(group, labels, groups)
    return int(np.count_nonzero(((ones > 0) & (ones < n))[group]))


def own_rates(group: IntArray, labels: np.ndarray, groups: int) -> np.ndarray:
    """float64 [n] the share of label 1 in each row's group: of all scores that are equal within groups, it has the best auc."""
    n, ones = np.bincount(group, minlength=groups), np.bincount(group, labels, groups)
    return np.asarray((ones / np.maximum(n, 1))[group])
