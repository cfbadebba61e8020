"""How sure a mean over users is: percentile bootstrap intervals.

B. Efron, R. J. Tibshirani. "An Introduction to the Bootstrap." Chapman & Hall, 1993, chapter 13.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from turret.core.interactions import FloatArray
from turret.core.seeds import numpy_generator

BUNDLES = 10_000
"""More users than this are first thrown together at random into so many bundles of equal size, which are then drawn as one. The mean of the
bundles has the variance of the mean of the users, so the intervals stay what they are, in a time that no longer grows."""
LEVEL = 0.95


def bundled(values: FloatArray, generator: np.random.Generator) -> FloatArray:
    """float64 [n, M] -> [at most BUNDLES, M]: sums over bundles of users drawn at random; fewer rows stay as they are."""
    n = len(values)
    if n <= BUNDLES:
        return values
    order, edges = generator.permutation(n), np.linspace(0, n, BUNDLES + 1).astype(np.int64)[:-1]
    return np.add.reduceat(values[order], edges, axis=0)


def of_means(
    values: Mapping[str, FloatArray], samples: int, seed: int, weights: FloatArray | None = None
) -> dict[str, tuple[float, float]]:
    """95 % intervals of means over users.

    Args:
        values: float64 [U] for each measure; NaN where a user does not count.
        samples: how often users are drawn anew, with replacement.
        seed: of the draws, which are the same for all measures.
        weights: float64 [U], the mean is weighted with; None weighs all alike.
    """
    if not values or not samples or not len(next(iter(values.values()))):
        return {}
    generator = numpy_generator(seed, "bootstrap")
    table = np.column_stack(list(values.values()))
    counted = np.isfinite(table) * (1.0 if weights is None else weights[:, None])
    sums = bundled(np.hstack([np.where(counted > 0, table, 0.0) * counted, counted]), generator)
    drawn = np.empty((samples, table.shape[1]))
    for sample in range(samples):
        often = np.bincount(generator.integers(0, len(sums), len(sums)), minlength=len(sums))
        total = often @ sums
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn[sample] = total[: table.shape[1]] / total[table.shape[1] :]
    tail = 100 * (1 - LEVEL) / 2
    return {
        name: (float(low), float(high))
        for name, column in zip(values, drawn.T, strict=True)
        if np.isfinite(column).any()
        for low, high in [np.nanpercentile(column, [tail, 100 - tail])]
    }
