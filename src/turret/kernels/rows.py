"""Exact updates of the table rows that a step touched, in place: duplicates are summed first, each row is then updated once.

Letters: M looked-up rows (with duplicates), R different ones, n rows of the table, D width. All arrays are float32 and so must the scalars
be: a single float64 among them would make every operation of the inner loop a float64 one, at a quarter of the speed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.ahead import AHEAD, ask
from turret.kernels.apart import apart

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True, forceinline=False)
def add_rows(ids: Array, values: Array, slot: Array, rows: Array, sums: Array, count: int) -> int:
    """Adds values [M, D] to `count` sums [., >= D] of the different `rows`, each id's to that of its own; returns how many there are then.

    Args:
        ids: int [M] rows looked up.
        values: [M, D] the gradient of each.
        slot: int32 [n] scratch, -1 everywhere between calls.
        rows: int64, has room for M more; new ones are in order of appearance.
        sums: likewise.
        count: how many rows and sums there are.
    """
    apart()
    for r in range(count):
        slot[rows[r]] = r
    for m in range(len(ids)):
        place = slot[ids[m]]
        source = values[m]
        if place < 0:
            slot[ids[m]] = count
            rows[count] = ids[m]
            fresh = sums[count]
            for d in range(len(source)):
                fresh[d] = source[d]
            count += 1
        else:
            total = sums[place]
            for d in range(len(source)):
                total[d] += source[d]
    for r in range(count):
        slot[rows[r]] = -1
    return count


@njit(cache=True, nogil=True)
def accumulate(ids: Array, values: Array, slot: Array) -> tuple[Array, Array]:
    """The different ids [M] in order of appearance [R], and the sums of their values [M, D]: [R, D]. See `add_rows`."""
    rows = np.empty(len(ids), dtype=np.int64)
    sums = np.empty(values.shape, dtype=values.dtype)
    count = add_rows(ids, values, slot, rows, sums, 0)
    return rows[:count], sums[:count]


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def sgd(weight: Array, rows: Array, gradient: Array, rate: np.float32, decay: np.float32) -> None:
    """w -= rate (g + decay w)."""
    for r in range(len(rows)):
        w, grad = weight[rows[r]], gradient[r]
        for d in range(len(w)):
            w[d] -= rate * (grad[d] + decay * w[d])


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy", forceinline=True)
def adagrad(
    weight: Array,
    total: Array,
    rows: Array,
    gradient: Array,
    rate: np.float32,
    decay: np.float32,
    inside: np.float32,
    outside: np.float32,
) -> None:
    """s += g^2; w -= rate g / (sqrt(s + inside) + outside), with s = `total` [n, D]."""
    for r in range(len(rows)):
        if r + AHEAD < len(rows):
            ask(weight, rows[r + AHEAD])
            ask(total, rows[r + AHEAD])
        w, s, grad = weight[rows[r]], total[rows[r]], gradient[r]
        for d in range(len(w)):
            g = grad[d] + decay * w[d]
            square = s[d] + g * g
            s[d] = square
            w[d] -= rate * g / (np.sqrt(square + inside) + outside)


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy", forceinline=True)
def momentum_adagrad(
    weight: Array,
    total: Array,
    velocity: Array,
    rows: Array,
    gradient: Array,
    rate: np.float32,
    decay: np.float32,
    eps: np.float32,
    momentum: np.float32,
) -> None:
    """s += g^2; v = momentum v - rate g / sqrt(s + eps); w += v, all [n, D]."""
    for r in range(len(rows)):
        w, s, v, grad = weight[rows[r]], total[rows[r]], velocity[rows[r]], gradient[r]
        for d in range(len(w)):
            g = grad[d] + decay * w[d]
            square = s[d] + g * g
            s[d] = square
            step = momentum * v[d] - rate * g / np.sqrt(square + eps)
            v[d] = step
            w[d] += step


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"}, error_model="numpy")
def rowwise_adagrad(
    weight: Array, total: Array, rows: Array, gradient: Array, rate: np.float32, decay: np.float32, eps: np.float32
) -> None:
    """s += mean(g^2); w -= rate g / (sqrt(s) + eps), with one s a row: `total` [n]."""
    for r in range(len(rows)):
        w, grad = weight[rows[r]], gradient[r]
        square = np.float32(0.0)
        for d in range(len(w)):
            g = grad[d] + decay * w[d]
            square += g * g
        total[rows[r]] += square / np.float32(len(w))
        scale = rate / (np.sqrt(total[rows[r]]) + eps)
        for d in range(len(w)):
            w[d] -= scale * (grad[d] + decay * w[d])


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def adam(
    weight: Array,
    mean: Array,
    square: Array,
    rows: Array,
    gradient: Array,
    rate: np.float32,
    decay: np.float32,
    fresh1: np.float32,
    fresh2: np.float32,
    scale: np.float32,
    eps: np.float32,
) -> None:
    """m += fresh1 (g - m); v += fresh2 (g^2 - v); w -= rate m / (scale sqrt(v) + eps).

    `fresh1` and `fresh2` are 1 - beta; `rate` and `scale` hold the bias corrections.
    """
    for r in range(len(rows)):
        if r + AHEAD < len(rows):
            ask(weight, rows[r + AHEAD])
            ask(mean, rows[r + AHEAD])
            ask(square, rows[r + AHEAD])
        w, m, v, grad = weight[rows[r]], mean[rows[r]], square[rows[r]], gradient[r]
        for d in range(len(w)):
            g = grad[d] + decay * w[d]
            first = m[d] + fresh1 * (g - m[d])
            second = v[d] + fresh2 * (g * g - v[d])
            m[d] = first
            v[d] = second
            w[d] -= rate * first / (scale * np.sqrt(second) + eps)


class Rows(NamedTuple):
    """A parameter [n, D] with what its optimizer remembers of it; `velocity` is empty without momentum."""

    weight: Array
    total: Array
    velocity: Array


class Rate(NamedTuple):
    """The scalars of an update."""

    rate: np.float32
    decay: np.float32
    eps: np.float32
    momentum: np.float32


@njit(cache=True, nogil=True, forceinline=True)
def update(rows: Rows, ids: Array, gradient: Array, by: Rate) -> None:
    """One update of the rows `ids`, all different, by Adagrad with eps inside the root and, where there are velocities, momentum."""
    if rows.velocity.size:
        momentum_adagrad(rows.weight, rows.total, rows.velocity, ids, gradient, by.rate, by.decay, by.eps, by.momentum)
    else:
        adagrad(rows.weight, rows.total, ids, gradient, by.rate, by.decay, by.eps, np.float32(0))
