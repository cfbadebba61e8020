"""Metrics of a ranker: its logits z [n] against the labels y [n] of impressions, each shared out to users. All sums are in float64.

Labels are answers, 0 or 1, and the prediction is the probability sigmoid(z). Where some label is something else (a rating), the prediction
is z itself, and only `rmse` and `mae` exist.

A metric comes as a value for each user whose mean, weighted by the users' numbers of impressions, is the metric over all impressions. For
`auc` and `rmse`, which are no means, a user's value is the metric plus the user's influence on it (its first-order change as the user's
impressions gain weight), so that intervals and paired tests draw whole users for every metric alike: for the area under the curve this is
DeLong's method with the extension to clusters by N. A. Obuchowski, "Nonparametric Analysis of Clustered ROC Curve Data." Biometrics 53,
1997.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from turret.core.interactions import FloatArray, IntArray


@dataclass(frozen=True)
class Answers:
    """Impressions with a prediction for each.

    Attributes:
        logits: float64 [n].
        labels: float64 [n].
        user: int64 [n] the row of the user, 0..n_users-1; each row has an impression.
        n_users: how many users there are.
    """

    logits: FloatArray
    labels: FloatArray
    user: IntArray
    n_users: int

    @property
    def binary(self) -> bool:
        """Whether all labels are 0 or 1."""
        return bool(((self.labels == 0) | (self.labels == 1)).all())

    @property
    def predictions(self) -> FloatArray:
        """float64 [n] what the ranker says the labels are."""
        return np.exp(-np.logaddexp(0, -self.logits)) if self.binary else self.logits

    @property
    def weights(self) -> FloatArray:
        """float64 [n_users] how many impressions each user has."""
        return np.bincount(self.user, minlength=self.n_users).astype(np.float64)

    def of_users(self, rows: IntArray) -> Answers:
        """The impressions of some of the users, `rows` ascending."""
        kept = np.isin(self.user, rows)
        return Answers(self.logits[kept], self.labels[kept], np.searchsorted(rows, self.user[kept]), len(rows))

    def mean(self, terms: FloatArray) -> FloatArray:
        """float64 [n_users]: each user's mean of `terms` [n]."""
        return np.bincount(self.user, weights=terms, minlength=self.n_users) / self.weights


def logloss(answers: Answers) -> FloatArray:
    """-y log p - (1 - y) log(1 - p) = log(1 + e^z) - y z, which no saturated probability can spoil."""
    if not answers.binary:
        return np.full(answers.n_users, np.nan)
    return answers.mean(np.logaddexp(0, answers.logits) - answers.labels * answers.logits)


def mae(answers: Answers) -> FloatArray:
    """|prediction - y|."""
    return answers.mean(np.abs(answers.predictions - answers.labels))


def rmse(answers: Answers) -> FloatArray:
    """The root of the mean squared error r, plus half of the user's deviation from r^2 divided by r."""
    squares = answers.mean((answers.predictions - answers.labels) ** 2)
    root = np.sqrt(np.average(squares, weights=answers.weights))
    return root + (squares - root**2) / (2 * root) if root else squares


def gauc(answers: Answers) -> FloatArray:
    """The area under the curve of the user's own impressions, ties counted half; NaN for a user without both labels."""
    if not answers.binary:
        return np.full(answers.n_users, np.nan)
    order = np.lexsort((answers.logits, answers.user))
    z, y, user = answers.logits[order], answers.labels[order], answers.user[order]
    rank = _mean_ranks(z, user) - np.searchsorted(user, user, side="left")
    ones = np.bincount(user, weights=y, minlength=answers.n_users)
    pairs = ones * (answers.weights - ones)
    with np.errstate(divide="ignore", invalid="ignore"):
        area = (np.bincount(user, weights=rank * y, minlength=answers.n_users) - ones * (ones + 1) / 2) / pairs
    return np.where(pairs > 0, area, np.nan)


def auc(answers: Answers) -> FloatArray:
    """The probability that a 1 has a higher logit than a 0, ties counted half, plus the user's influence on it; NaN without both labels."""
    ones = answers.labels.sum()
    zeros = len(answers.labels) - ones
    if not answers.binary or ones == 0 or zeros == 0:
        return np.full(answers.n_users, np.nan)
    order = np.argsort(answers.logits, kind="stable")
    y = answers.labels[order]
    above = np.empty(len(order))
    # Among all ranks those of the ones count the zeros below them and, of the other ones, as many as are below; likewise from the top.
    among_all = _mean_ranks(answers.logits[order], np.zeros(len(order), dtype=np.int64))
    is_one = y == 1
    above[is_one] = (among_all[is_one] - _own_ranks(answers.logits[order][is_one])) / zeros
    above[~is_one] = 1 - (among_all[~is_one] - _own_ranks(answers.logits[order][~is_one])) / ones
    area = above[is_one].mean()
    influence = (above - area) / np.where(is_one, ones, zeros)
    of_user = np.bincount(answers.user[order], weights=influence, minlength=answers.n_users)
    return np.asarray(area + of_user * len(answers.labels) / answers.weights)


def _mean_ranks(values: FloatArray, group: IntArray) -> FloatArray:
    """float64 [n] the rank of each of the sorted values, counted from 1, where values of a group tie the mean of theirs."""
    fresh = np.append(True, (values[1:] != values[:-1]) | (group[1:] != group[:-1]))
    start = np.flatnonzero(fresh)
    tied = np.diff(np.append(start, len(values)))
    return np.asarray(np.repeat(start + (tied + 1) / 2, tied))


def _own_ranks(values: FloatArray) -> FloatArray:
    return _mean_ranks(values, np.zeros(len(values), dtype=np.int64))


def weighted_means(per_user: Mapping[str, FloatArray], weights: FloatArray) -> dict[str, float]:
    """Weighted means over the users who count; a metric for which nobody does is absent."""
    counted = {name: np.isfinite(values) for name, values in per_user.items()}
    return {
        name: float(np.average(values[counted[name]], weights=weights[counted[name]]))
        for name, values in per_user.items()
        if counted[name].any()
    }


LABELLED: dict[str, Callable[[Answers], FloatArray]] = {"auc": auc, "gauc": gauc, "logloss": logloss, "rmse": rmse, "mae": mae}
