"""Metrics of a ranker, of the `Answers` to the impressions of a part. All sums are in float64.

Labels are 0 or 1, and the prediction is the probability p = sigmoid(z) of the logit z. Where some label is something else (a rating), the
prediction is z itself, and only `rmse` and `mae` exist.

Where it can be, a metric is a value for each unit (`answers`) whose mean, weighted by the units' numbers of impressions, is the metric over
all impressions. For metrics that are no means, a unit's value is the metric plus the unit's influence on it (its first-order change as the
unit's impressions gain weight), so that intervals and paired tests draw whole units for every metric alike. For the area under the curve
this is DeLong's method with the extension to clusters by N. A. Obuchowski, "Nonparametric Analysis of Clustered ROC Curve Data."
Biometrics 53, 1997. A metric that is one number alone has neither interval nor test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from turret.core.interactions import FloatArray, IntArray
from turret.evaluation.answers import Answers

Value = FloatArray | float
"""float64 [units], NaN for a unit that does not count; or one number for all, NaN where there is none."""


def logloss(answers: Answers) -> Value:
    """-y log p - (1 - y) log(1 - p), computed from the logit, which no saturated probability can spoil."""
    return answers.mean("loss") if answers.binary else np.nan


def ne(answers: Answers) -> Value:
    """Normalised entropy (He et al. 2014, equation 1): the logloss l divided by the entropy H of the share of clicks q, which is the
    logloss of saying q each time; plus (l_u - l) / H - ne H'(q) (q_u - q) / H. NaN without both labels."""
    loss, clicked = answers.mean("loss"), answers.mean("labels")
    total, rate = (float(np.average(values, weights=answers.rows)) for values in (loss, clicked))
    if not answers.binary or not 0 < rate < 1:
        return np.nan
    entropy = -rate * np.log(rate) - (1 - rate) * np.log1p(-rate)
    found = total / entropy
    return np.asarray(found + ((loss - total) - found * np.log((1 - rate) / rate) * (clicked - rate)) / entropy)


def rig(answers: Answers) -> Value:
    """Relative information gain, 1 - `ne`: the share of the entropy that the ranker takes away."""
    return 1 - ne(answers)


def calibration(answers: Answers) -> Value:
    """The ratio c of the sum of predictions to the sum of clicks, plus (P_u - c Y_u) / Y with the means of the unit and of all. NaN without
    a click."""
    predicted, clicked = answers.mean("predictions"), answers.mean("labels")
    expected, rate = (float(np.average(values, weights=answers.rows)) for values in (predicted, clicked))
    if not answers.binary or not rate:
        return np.nan
    ratio = expected / rate
    return np.asarray(ratio + (predicted - ratio * clicked) / rate)


def mae(answers: Answers) -> Value:
    """|prediction - y|."""
    return answers.mean("error" if answers.binary else "error of logits")


def rmse(answers: Answers) -> Value:
    """The root of the mean squared error r, plus half of the unit's deviation from r^2 divided by r."""
    squares = answers.mean("square" if answers.binary else "square of logits")
    root = np.sqrt(np.average(squares, weights=answers.rows))
    return root + (squares - root**2) / (2 * root) if root else squares


def gauc(answers: Answers) -> Value:
    """The area under the curve of the unit's own impressions, ties counted half; NaN for a unit without both labels."""
    if not answers.binary or answers.kept is None:
        return np.nan
    kept, n = answers.kept, len(answers.rows)
    order = np.lexsort((kept.logits, kept.unit))
    z, y, unit = kept.logits[order], kept.labels[order], kept.unit[order]
    rank = _mean_ranks(z, unit) - np.searchsorted(unit, unit, side="left")
    ones = np.bincount(unit, weights=y, minlength=n)
    pairs = ones * (answers.rows - ones)
    with np.errstate(divide="ignore", invalid="ignore"):
        area = (np.bincount(unit, weights=rank * y, minlength=n) - ones * (ones + 1) / 2) / pairs
    return np.where(pairs > 0, area, np.nan)


def auc(answers: Answers) -> Value:
    """The probability that a 1 has a higher logit than a 0, ties counted half, plus the unit's influence on it; one number where the rows
    are not kept; NaN without both labels."""
    levels = answers.levels
    if levels is None or not answers.binary or not levels.zeros.any() or not levels.ones.any():
        return np.nan
    if answers.kept is None:
        return levels.area
    among_zeros, among_ones = levels.beaten
    is_one = answers.kept.labels == 1
    beaten = np.where(is_one, among_zeros[answers.level], among_ones[answers.level])
    influence = (beaten - levels.area) / np.where(is_one, levels.ones.sum(), levels.zeros.sum())
    of_unit = np.bincount(answers.kept.unit, weights=influence, minlength=len(answers.rows))
    return np.asarray(levels.area + of_unit * answers.rows.sum() / answers.rows)


def ece(answers: Answers, bins: int) -> Value:
    """Expected calibration error: the mean over impressions of |mean prediction - share of clicks| of the bin that an impression is in, of
    `bins` with equally many impressions each (Naeini et al. 2015, Guo et al. 2017). It is bent at 0, where a first order says nothing."""
    if answers.levels is None or not answers.binary:
        return np.nan
    binned = answers.levels.merged(bins)
    return float(np.abs(binned.predictions - binned.ones).sum() / binned.rows.sum())


def metrics_of(answers: Answers, name: str, bins: int) -> tuple[dict[str, float], FloatArray | None]:
    """A metric by name, and its values for each unit where it has them. It is absent where nothing counts.

    Beside an `auc` that is counted in bins of logits stands `auc_error`, the most that it can be off: the pairs (1, 0) that share a bin
    count half, whichever way round they are.

    Args:
        answers: to what.
        name: of the metric.
        bins: of `ece`.
    """
    if not len(answers.rows):
        return {}, None
    value = (LABELLED | {"ece": partial(ece, bins=bins)})[name](answers)
    if isinstance(value, np.ndarray):
        return weighted_means({name: value}, answers.rows), value
    if np.isnan(value):
        return {}, None
    binned = answers.binned if name == "auc" else None
    return {name: value} | ({} if binned is None else {"auc_error": binned.tied / 2}), None


def weighted_means(per_unit: Mapping[str, FloatArray], weights: FloatArray) -> dict[str, float]:
    """Weighted means over the units that count, which are those without NaN; a metric for which none does is absent."""
    counted = {name: ~np.isnan(values) for name, values in per_unit.items()}
    return {
        name: float(np.average(values[counted[name]], weights=weights[counted[name]]))
        for name, values in per_unit.items()
        if counted[name].any()
    }


def _mean_ranks(values: FloatArray, group: IntArray) -> FloatArray:
    """float64 [n] the rank of each of the sorted values, counted from 1, where values of a group tie the mean of theirs."""
    fresh = np.append(True, (values[1:] != values[:-1]) | (group[1:] != group[:-1]))
    start = np.flatnonzero(fresh)
    tied = np.diff(np.append(start, len(values)))
    return np.asarray(np.repeat(start + (tied + 1) / 2, tied))


LABELLED: dict[str, Callable[[Answers], Value]] = {
    "auc": auc,
    "gauc": gauc,
    "logloss": logloss,
    "ne": ne,
    "rig": rig,
    "calibration": calibration,
    "rmse": rmse,
    "mae": mae,
}
