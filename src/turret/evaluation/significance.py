"""Whether one run is better than another, or only luckier: tests on the differences of the same users.

M. D. Smucker, J. Allan, B. Carterette. "A Comparison of Statistical Significance Tests for Information Retrieval Evaluation." CIKM 2007,
recommends the paired t-test and the randomisation test; both are given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from turret.core.errors import InputError
from turret.core.interactions import FloatArray, IntArray
from turret.core.seeds import numpy_generator
from turret.evaluation.evaluated import Evaluated
from turret.evaluation.intervals import bundled, of_means

CELLS = 1 << 23
"""Random signs that are held at a time."""


@dataclass(frozen=True)
class Comparison:
    """One metric of two runs, on the users that both were evaluated on.

    Attributes:
        metric: its name.
        first, second: the means.
        interval: 95 % bootstrap interval of second - first; None where no samples were asked for.
        t_test: two-sided p of the paired t-test.
        randomisation: two-sided p of the sign-flip randomisation test.
        users: how many pairs there are, of users or of groups of rows.
    """

    metric: str
    first: float
    second: float
    interval: tuple[float, float] | None
    t_test: float
    randomisation: float
    users: int

    @property
    def difference(self) -> float:
        """second - first."""
        return self.second - self.first


def paired_t(differences: FloatArray) -> float:
    """Two-sided p that the mean difference is zero, by Student's t with n - 1 degrees of freedom; NaN below two differences."""
    n = len(differences)
    if n < 2:
        return math.nan
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1))
    if deviation == 0:
        return 1.0 if mean == 0 else 0.0
    from scipy.special import stdtr

    return float(2 * stdtr(n - 1, -abs(mean) / deviation * math.sqrt(n)))


def sign_flips(differences: FloatArray, samples: int = 10_000, seed: int = 0) -> float:
    """Two-sided p that the differences are symmetric about zero: how often random signs give a mean at least as far from zero.

    The observed signs count as one of the samples, so p is never 0. Above `intervals.BUNDLES` users, random bundles of users flip
    together, which is as valid a test.
    """
    if not len(differences):
        return math.nan
    generator = numpy_generator(seed, "sign flips")
    sums = bundled(differences[:, None], generator)[:, 0]
    observed = abs(float(sums.sum()))
    at_least, done = 0, 0
    while done < samples:
        now = min(samples - done, max(1, CELLS // len(sums)))
        signs = generator.integers(0, 2, (now, len(sums)), dtype=np.int8)
        flipped = 2 * (signs @ sums) - sums.sum()
        at_least += int((np.abs(flipped) >= observed * (1 - 1e-12)).sum())
        done += now
    return (at_least + 1) / (samples + 1)


def compare(first: Evaluated, second: Evaluated, samples: int = 10_000, seed: int = 0) -> list[Comparison]:
    """Every per-user metric that two evaluations share. One that fewer than two users have in both is absent: no test can be made of it.

    Raises:
        InputError: they are of different data, parts or protocols, or share no metric of two users or more.
    """
    mine_is, theirs_is = (f"{run.dataset} {run.part}, protocol {run.protocol}, by {run.units}" for run in (first, second))
    if mine_is != theirs_is:
        raise InputError(
            f"these runs were tested on different data: {mine_is}; {theirs_is}",
            hint="Only runs on one split of one dataset, tested in the same way, can be compared user by user.",
        )
    _, mine, theirs = np.intersect1d(first.users, second.users, assume_unique=True, return_indices=True)
    shared = [name for name in first.per_user if name in second.per_user]
    found = [_one(name, first, second, mine, theirs, samples, seed) for name in shared]
    if not any(found):
        raise InputError(
            "these runs have no per-user metric in common that two users or more have in both", hint="Test both with the same test_metrics."
        )
    return [one for one in found if one is not None]


def _one(name: str, first: Evaluated, second: Evaluated, mine: IntArray, theirs: IntArray, samples: int, seed: int) -> Comparison | None:
    """One metric compared; None where fewer than two users have it in both."""
    before, after = first.per_user[name][mine], second.per_user[name][theirs]
    weights = np.ones(len(before)) if first.weights is None else first.weights[mine]
    both = np.isfinite(before) & np.isfinite(after)
    before, after, weights = before[both], after[both], weights[both]
    if len(before) < 2:
        return None
    # Each user's share in the difference of the weighted means: their plain mean is that difference.
    differences = (after - before) * weights / weights.mean()
    return Comparison(
        metric=name,
        first=float(np.average(before, weights=weights)),
        second=float(np.average(after, weights=weights)),
        interval=of_means({name: differences}, min(samples, 1000), seed).get(name),
        t_test=paired_t(differences),
        randomisation=sign_flips(differences, samples, seed),
        users=len(differences),
    )
