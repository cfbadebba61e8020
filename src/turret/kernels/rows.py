"""Exact updates of the table rows that a step touched, in place: duplicates are summed first, each row is then updated once.

Letters: M looked-up rows (with duplicates), n rows of the table, D width. `slot` is int32 [n] scratch that is -1 everywhere between calls;
`ids` int64 [M] and `values` float32 [M, D] are an uncoalesced sparse gradient. All update `weight` [n, D] and the state.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def accumulate(ids: Array, values: Array, slot: Array) -> tuple[Array, Array]:
    """The different ids in order of appearance [R], and the sums of their values [R, D]."""
    rows = np.empty(len(ids), dtype=np.int64)
    sums = np.empty(values.shape, dtype=values.dtype)
    count = 0
    for m in range(len(ids)):
        place = slot[ids[m]]
        if place < 0:
            slot[ids[m]] = count
            rows[count] = ids[m]
            sums[count] = values[m]
            count += 1
        else:
            sums[place] += values[m]
    for r in range(count):
        slot[rows[r]] = -1
    return rows[:count], sums[:count]


@njit(cache=True, nogil=True, fastmath={"contract"})
def sgd(weight: Array, rows: Array, gradient: Array, rate: float, decay: float) -> None:
    """w -= rate * (g + decay * w)."""
    for r in range(len(rows)):
        w = weight[rows[r]]
        for d in range(weight.shape[1]):
            w[d] -= rate * (gradient[r, d] + decay * w[d])


@njit(cache=True, nogil=True, fastmath={"contract"})
def adagrad(weight: Array, total: Array, rows: Array, gradient: Array, rate: float, decay: float, eps: float) -> None:
    """s += g^2; w -= rate * g / (sqrt(s) + eps), with `total` s [n, D]."""
    for r in range(len(rows)):
        w, s = weight[rows[r]], total[rows[r]]
        for d in range(weight.shape[1]):
            g = gradient[r, d] + decay * w[d]
            s[d] += g * g
            w[d] -= rate * g / (np.sqrt(s[d]) + eps)


@njit(cache=True, nogil=True, fastmath={"contract"})
def rowwise_adagrad(weight: Array, total: Array, rows: Array, gradient: Array, rate: float, decay: float, eps: float) -> None:
    """One accumulator a row, of the mean square of its gradient: `total` s [n]."""
    width = weight.shape[1]
    for r in range(len(rows)):
        w = weight[rows[r]]
        square = np.float32(0.0)
        for d in range(width):
            g = gradient[r, d] + decay * w[d]
            square += g * g
        total[rows[r]] += square / width
        scale = rate / (np.sqrt(total[rows[r]]) + eps)
        for d in range(width):
            w[d] -= scale * (gradient[r, d] + decay * w[d])


@njit(cache=True, nogil=True, fastmath={"contract"})
def adam(
    weight: Array,
    mean: Array,
    square: Array,
    rows: Array,
    gradient: Array,
    rate: float,
    decay: float,
    beta1: float,
    beta2: float,
    scale: float,
    eps: float,
) -> None:
    """m += (1 - b1)(g - m); v += (1 - b2)(g^2 - v); w -= rate * m / (scale * sqrt(v) + eps).

    `rate` and `scale` hold the bias corrections.
    """
    for r in range(len(rows)):
        w, m, v = weight[rows[r]], mean[rows[r]], square[rows[r]]
        for d in range(weight.shape[1]):
            g = gradient[r, d] + decay * w[d]
            m[d] += (1 - beta1) * (g - m[d])
            v[d] += (1 - beta2) * (g * g - v[d])
            w[d] -= rate * m[d] / (scale * np.sqrt(v[d]) + eps)
