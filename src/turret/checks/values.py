"""Values of features: what of the test is unknown to training, and features that name every row or say nothing."""

from __future__ import annotations

import numpy as np

from turret.checks.finding import Finding, Verdict, absent, percent
from turret.checks.impressions import Sampled, Values, lacking
from turret.checks.subject import Subject
from turret.core.interactions import FloatArray
from turret.data.features import ITEM, USER
from turret.data.prepared import TEST, TRAIN

NAME = "feature values"
RISE = 0.05
"""A share of unknown values that rises by more than this from training to test is a warning."""
EVERY = 0.9
"""A feature with so many different values a row names the rows."""
ENOUGH = 50
"""Rows from which on it can be told."""


def check(subject: Subject) -> Finding:
    """The features whose values training does not know, name every row, or are all the same."""
    if reason := lacking(subject):
        return absent(NAME, reason)
    sampled = Sampled.of(subject)
    unknown: dict[str, tuple[float, float]] = {}
    naming, constant = list[str](), list[str]()
    for name, train, test in sampled.features():
        unknown[name] = train.unknown, test.unknown
        if names_rows(train, sampled.numbers(name, TRAIN)):
            naming.append(name)
        elif np.all(train.ids == train.ids[:1]):
            constant.append(name)
    if not unknown:
        return absent(NAME, "impressions have no features")
    rise = {name: after - before for name, (before, after) in unknown.items()}
    worst, losing = max(rise, key=lambda name: rise[name]), [name for name, value in rise.items() if value > RISE]
    shares = [percent(value) for value in unknown[worst]]
    found = f"what training does not know rises most in {worst}: missing or unknown in {shares[0]} of training, {shares[1]} of the test."
    found += f" Different in nearly every row: {', '.join(naming)}." if naming else ""
    found += f" The same throughout training: {', '.join(constant)}." if constant else ""
    many = f"{len(losing)} of {len(rise)} features"
    effect = f"a model reads one vector for all that is unknown, and its share rises by more than {percent(RISE)} in {many}."
    effect += f" What is learnt of {', '.join(naming)} is learnt by heart and of no use on the test." if naming else ""
    figures = {f"unknown.{name}.{part}": value for name, both in unknown.items() for part, value in zip((TRAIN, TEST), both, strict=True)}
    figures |= {"different_everywhere": len(naming), "constant": len(constant)}
    mark: Verdict = "warning" if naming or losing else "note" if constant else "ok"
    return Finding(NAME, mark, found, effect, _advice(naming, losing), figures)


def _advice(naming: list[str], losing: list[str]) -> str:
    """What to do about features that name rows, and about those whose unknown values rise."""
    others = [name for name in losing if name not in naming]
    own, ids = [name for name in others if name not in (USER, ITEM)], [name for name in others if name in (USER, ITEM)]
    said = [f"Leave {', '.join(naming)} out."] if naming else []
    said += [f"Raise the min_count of {', '.join(own)}, so that training has unknown values too, or give a hash_size."] if own else []
    said += [f"Do not lean on the id of the {' or the '.join(ids)}: describe them by features."] if ids else []
    return " ".join(said)


def names_rows(train: Values, numbers: FloatArray | None) -> bool:
    """Whether a feature of training has nearly as many values as there are rows: a category, or whole numbers; measurements may differ."""
    if train.offsets is not None or len(train.ids) < ENOUGH:
        return False
    if numbers is not None:
        whole = numbers[np.isfinite(numbers)]
        return bool(np.all(whole == np.floor(whole)) and len(np.unique(whole)) > EVERY * len(numbers))
    return len(np.unique(train.ids[train.ids > 0])) > EVERY * len(train.ids)
