"""Features that give the answer away: one feature alone that orders the test nearly without fault is probably the answer in disguise."""

from __future__ import annotations

import numpy as np

from turret.batches.schema import labels_of
from turret.checks.finding import Finding, absent, number
from turret.checks.impressions import Sampled, Values, auc, is_binary, lacking, rates
from turret.checks.subject import Subject
from turret.core.interactions import FloatArray
from turret.data.prepared import TEST, TRAIN

NAME = "single features"
NEARLY_ALL = 0.95
"""An area under the curve that no honest feature has alone."""


def check(subject: Subject) -> Finding:
    """The area under the curve on the test of each feature alone, by the rate of answers of its values in training."""
    if reason := lacking(subject):
        return absent(NAME, reason)
    sampled, areas = Sampled.of(subject), dict[str, float]()
    tasks = list(labels_of(subject.prepared.parts[TRAIN]))
    for task in tasks:
        before, labels = sampled.labels(task, TRAIN), sampled.labels(task, TEST)
        if is_binary(before) and is_binary(labels):
            own = {name: alone(train, test, before, labels) for name, train, test in sampled.features()}
            areas |= {(name if len(tasks) == 1 else f"{name} of {task}"): area for name, area in own.items() if np.isfinite(area)}
    if not areas:
        return absent(NAME, "no feature and label have an area under the curve")
    best = sorted(areas, key=lambda name: -areas[name])[:3]
    suspects = [name for name, area in areas.items() if area > NEARLY_ALL]
    listed = ", ".join(f"{name} {number(areas[name])}" for name in best)
    figures = {"features": float(len(areas)), **{f"auc.{name.replace(' ', '_')}": area for name, area in areas.items()}}
    found = (
        f"taken alone, by the rate of answers of their values in training, the best of {len(areas)} features have auc {listed} on the test."
    )
    if not suspects:
        effect = f"a model has to beat auc {number(areas[best[0]])} to be worth more than one feature."
        return Finding(NAME, "ok", found, effect, figures=figures)
    several = len(suspects) > 1
    effect = (
        f"any model that reads {' or '.join(suspects)} reaches about auc {number(areas[best[0]])} or more, whatever else it does: "
        "the figure says nothing about the model."
    )
    advice = (
        f"Find out when {'these become' if several else 'this becomes'} known. What is written down after the answer has to be left out "
        "of the file, or not named in --columns."
    )
    return Finding(NAME, "warning", found, effect, advice, figures)


def alone(train: Values, test: Values, before: FloatArray, labels: FloatArray) -> float:
    """The area under the curve on the test of one feature alone."""
    size = 1 + int(max(train.ids.max(initial=0), test.ids.max(initial=0)))
    prior = float(before.mean())
    rate = rates(train.ids, train.each(before), size)
    return auc(test.mean(rate, prior), labels)
