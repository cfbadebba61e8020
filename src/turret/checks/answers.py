"""Answers: how often impressions are answered in each part, and what a change of that rate costs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from turret.batches.schema import labels_of
from turret.checks.finding import Finding, absent, number, percent, share
from turret.checks.impressions import is_binary, lacking
from turret.checks.subject import Subject
from turret.core.interactions import FloatArray
from turret.data.prepared import TEST, TRAIN, VALID

NAME = "answers"
DRIFT = 0.1
"""A rate that changes by more than this share of itself is a warning, ..."""
ERRORS = 3.0
"""... if chance alone would not move it so many standard errors."""


def check(subject: Subject) -> Finding:
    """Rates of answers by part and task; labels that never change; the logloss that the old rate has on the test."""
    if reason := lacking(subject):
        return absent(NAME, reason)
    own = subject.prepared.parts
    parts = {name: labels_of(own[name]) for name in (TRAIN, VALID, TEST) if name in own and len(own[name].interactions)}
    tasks = [_of_task(task, {name: np.asarray(columns[task]) for name, columns in parts.items()}) for task in parts[TRAIN]]
    return Finding(
        NAME,
        "warning" if any(task.verdict == "warning" for task in tasks) else "ok",
        " ".join(task.found for task in tasks),
        " ".join(task.effect for task in tasks),
        " ".join(dict.fromkeys(task.advice for task in tasks if task.advice)),
        {name: value for task in tasks for name, value in task.figures.items()},
    )


def _of_task(task: str, labels: Mapping[str, FloatArray]) -> Finding:
    """The same of one task, whose labels are given by part."""
    mean = {name: float(values.mean(dtype=np.float64)) for name, values in labels.items()}
    figures = {f"{task}.rate.{name}": value for name, value in mean.items()}
    if not all(is_binary(values) for values in labels.values()):
        listed = ", ".join(f"{number(value)} in {name}" for name, value in mean.items())
        return Finding(NAME, "ok", f"{task} is a number, on average {listed}.", f"{task} is no answer of yes or no.", figures=figures)
    found = f"{task}: {', '.join(f'{percent(value)} of {name}' for name, value in mean.items())} answered."
    constant = [name for name, value in mean.items() if value in (0.0, 1.0)]
    if constant:
        effect = f"{task} is the same throughout {' and '.join(constant)}: nothing can be learnt or ranked there, and auc does not exist."
        advice = "See which column is the label, and whether the split follows the answers."
        return Finding(NAME, "warning", found, effect, advice, figures)
    best, factor = loss(mean[TEST], mean[TEST]), mean[TRAIN] / mean[TEST]
    cost = loss(mean[TEST], mean[TRAIN]) - best
    figures |= {f"{task}.calibration": factor, f"{task}.logloss_lost": cost}
    effect = (
        f"{task}: a model that is right about training is off by the factor {factor:.3f} on the test, which costs about {cost:.5f} of "
        f"logloss ({percent(cost / best)} of that of the bare rate); auc does not notice."
    )
    if not drifts(labels[TRAIN], labels[TEST]):
        return Finding(NAME, "ok", found, effect, figures=figures)
    advice = "Read auc and calibration apart, and calibrate on the latest rows that are known."
    return Finding(NAME, "warning", found, effect, advice, figures)


def loss(rate: float, said: float) -> float:
    """The logloss of always saying one probability to answers of some rate."""
    return float(-rate * np.log(said) - (1 - rate) * np.log1p(-said))


def drifts(before: FloatArray, after: FloatArray) -> bool:
    """Whether the rate changes by a share of itself that matters, and by more than chance does."""
    old, new = (float(values.mean(dtype=np.float64)) for values in (before, after))
    error = np.sqrt(old * (1 - old) / len(before) + new * (1 - new) / len(after))
    return abs(share(new - old, old)) > DRIFT and abs(new - old) > ERRORS * error
