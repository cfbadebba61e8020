"""Rows of a weighted factorization, each the minimum of a small quadratic: by steps of conjugate gradients, or exactly by Cholesky.

Row r (a user, say) has entries n = `offsets[r]`..`offsets[r + 1] - 1`: column `columns[n]` with confidence 1 + `extra[n]`; everywhere else
confidence is 1. With the other side's vectors `fixed` Y float32 [J, D], the row x minimises

    sum_j c_j (p_j - <x, y_j>)^2 + ridge_r |x|^2,    p_j = 1 where there is an entry, else 0,

which is A x = b with A = Y^T Y + sum_n extra_n y_n y_n^T + ridge_r I and b = sum_n (1 + extra_n) y_n. `gram` is Y^T Y float32 [D, D],
`ridge` is float32 [R], and `solved` float32 [R, D] takes the result. `loss` float64 [R] takes the value reached. With s = b - A x what is
left of the equation, it is

    sum_n (1 + extra_n) - <b, x> - <s, x>,

so that it costs nothing.

Eight entries at a time: their rows are first copied side by side, since reading them where they lie costs more than all arithmetic. Every
inner loop starts at 0, for the compiler turns only those into vector instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]
REORDER = {"reassoc", "contract", "nsz"}
"""Sums may be reordered, so that they fit vector registers; NaN and infinity keep their meaning."""
AT_ONCE = 8


@njit(cache=True, nogil=True, fastmath=REORDER)
def conjugate_gradient(
    start: int,
    stop: int,
    offsets: Array,
    columns: Array,
    extra: Array,
    fixed: Array,
    gram: Array,
    ridge: Array,
    steps: int,
    solved: Array,
    loss: Array,
) -> None:
    """Takes rows start..stop-1 `steps` steps on from what `solved` holds."""
    width = fixed.shape[1]
    near, weight = _room(start, stop, offsets, width)
    target = np.empty(width, dtype=np.float32)
    rest = np.empty(width, dtype=np.float32)
    direction = np.empty(width, dtype=np.float32)
    image = np.empty(width, dtype=np.float32)
    for r in range(start, stop):
        x = solved[r]
        count, confidence = _collect(offsets[r], offsets[r + 1], columns, extra, fixed, near, weight, target)
        _apply(gram, ridge[r], near, weight, count, x, image)
        square = np.float32(0)
        for d in range(width):
            rest[d] = target[d] - image[d]
            direction[d] = rest[d]
            square += rest[d] * rest[d]
        for _ in range(steps):
            if square < np.float32(1e-20):
                break
            _apply(gram, ridge[r], near, weight, count, direction, image)
            curvature = np.float32(0)
            for d in range(width):
                curvature += direction[d] * image[d]
            rate = square / curvature
            before, square = square, np.float32(0)
            for d in range(width):
                x[d] += rate * direction[d]
                rest[d] -= rate * image[d]
                square += rest[d] * rest[d]
            turn = square / before
            for d in range(width):
                direction[d] = rest[d] + turn * direction[d]
        gain = 0.0
        for d in range(width):
            gain += x[d] * (target[d] + rest[d])
        loss[r] = confidence - gain


@njit(cache=True, nogil=True, fastmath=REORDER)
def cholesky(
    start: int,
    stop: int,
    offsets: Array,
    columns: Array,
    extra: Array,
    fixed: Array,
    gram: Array,
    ridge: Array,
    solved: Array,
    loss: Array,
) -> None:
    """Solves rows start..stop-1."""
    width = fixed.shape[1]
    near, weight = _room(start, stop, offsets, width)
    target = np.empty(width, dtype=np.float32)
    matrix = np.empty((width, width), dtype=np.float32)
    scratch = np.empty(width, dtype=np.float32)
    for r in range(start, stop):
        x = solved[r]
        count, confidence = _collect(offsets[r], offsets[r + 1], columns, extra, fixed, near, weight, target)
        matrix[:] = gram
        for d in range(width):
            matrix[d, d] += ridge[r]
            x[d] = target[d]
        _add_outer_products(matrix, near, weight, count)
        _solve_in_place(matrix, x, scratch)
        gain = 0.0
        for d in range(width):
            gain += x[d] * target[d]
        loss[r] = confidence - gain


@njit(cache=True, nogil=True)
def _room(start: int, stop: int, offsets: Array, width: int) -> tuple[Array, Array]:
    """Space for the vectors of the longest row's entries, and for their weights."""
    most = 0
    for r in range(start, stop):
        most = max(most, offsets[r + 1] - offsets[r])
    return np.empty((most + AT_ONCE, width), dtype=np.float32), np.empty(most + AT_ONCE, dtype=np.float32)


@njit(cache=True, nogil=True, fastmath=REORDER, forceinline=True)
def _collect(
    first: int, last: int, columns: Array, extra: Array, fixed: Array, near: Array, weight: Array, target: Array
) -> tuple[int, float]:
    """Copies a row's vectors and weights, adds entries of no weight up to a multiple of `AT_ONCE`, and sums up `target` b. Returns how many
    entries there are now, and the sum of the confidences."""
    width = len(target)
    target[:] = 0
    confidence, count = 0.0, 0
    for n in range(first, last):
        column, weight[count] = columns[n], extra[n]
        trust = np.float32(1) + weight[count]
        confidence += trust
        for d in range(width):
            near[count, d] = fixed[column, d]
            target[d] += trust * fixed[column, d]
        count += 1
    while count % AT_ONCE:
        near[count], weight[count] = 0, 0
        count += 1
    return count, confidence


@njit(cache=True, nogil=True, fastmath=REORDER, forceinline=True)
def _apply(gram: Array, ridge: float, near: Array, weight: Array, count: int, x: Array, image: Array) -> None:
    """image = A x."""
    width = len(x)
    for d in range(width):
        image[d] = ridge * x[d]
    for d in range(0, width - 3, 4):
        g0, g1, g2, g3 = gram[d], gram[d + 1], gram[d + 2], gram[d + 3]
        s0, s1, s2, s3 = x[d], x[d + 1], x[d + 2], x[d + 3]
        for f in range(width):
            image[f] += s0 * g0[f] + s1 * g1[f] + s2 * g2[f] + s3 * g3[f]
    for d in range(width - width % 4, width):
        for f in range(width):
            image[f] += x[d] * gram[d, f]
    for n in range(0, count, AT_ONCE):
        y0, y1, y2, y3, y4, y5, y6, y7 = near[n], near[n + 1], near[n + 2], near[n + 3], near[n + 4], near[n + 5], near[n + 6], near[n + 7]
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = np.float32(0)
        for d in range(width):
            s0 += x[d] * y0[d]
            s1 += x[d] * y1[d]
            s2 += x[d] * y2[d]
            s3 += x[d] * y3[d]
            s4 += x[d] * y4[d]
            s5 += x[d] * y5[d]
            s6 += x[d] * y6[d]
            s7 += x[d] * y7[d]
        s0, s1, s2, s3 = s0 * weight[n], s1 * weight[n + 1], s2 * weight[n + 2], s3 * weight[n + 3]
        s4, s5, s6, s7 = s4 * weight[n + 4], s5 * weight[n + 5], s6 * weight[n + 6], s7 * weight[n + 7]
        for d in range(width):
            image[d] += s0 * y0[d] + s1 * y1[d] + s2 * y2[d] + s3 * y3[d] + s4 * y4[d] + s5 * y5[d] + s6 * y6[d] + s7 * y7[d]


@njit(cache=True, nogil=True, fastmath=REORDER, forceinline=True)
def _add_outer_products(matrix: Array, near: Array, weight: Array, count: int) -> None:
    """matrix += sum_n weight_n y_n y_n^T, in the lower triangle."""
    for n in range(0, count, AT_ONCE):
        y0, y1, y2, y3, y4, y5, y6, y7 = near[n], near[n + 1], near[n + 2], near[n + 3], near[n + 4], near[n + 5], near[n + 6], near[n + 7]
        for d in range(len(matrix)):
            row = matrix[d]
            s0, s1, s2, s3 = weight[n] * y0[d], weight[n + 1] * y1[d], weight[n + 2] * y2[d], weight[n + 3] * y3[d]
            s4, s5, s6, s7 = weight[n + 4] * y4[d], weight[n + 5] * y5[d], weight[n + 6] * y6[d], weight[n + 7] * y7[d]
            for f in range(d + 1):
                row[f] += s0 * y0[f] + s1 * y1[f] + s2 * y2[f] + s3 * y3[f] + s4 * y4[f] + s5 * y5[f] + s6 * y6[f] + s7 * y7[f]


@njit(cache=True, nogil=True, fastmath=REORDER, forceinline=True)
def _solve_in_place(matrix: Array, x: Array, scratch: Array) -> None:
    """Solves `matrix` z = x for z, in the place of x. Of the matrix only the lower triangle is read; it becomes L with L^T L = matrix
    (from the last row up, so that the loops over a row start at 0)."""
    width = len(x)
    for d in range(width - 1, -1, -1):
        for f in range(d + 1):
            scratch[f] = matrix[d, f]
        k = d + 1
        while k + 4 <= width:
            l0, l1, l2, l3 = matrix[k], matrix[k + 1], matrix[k + 2], matrix[k + 3]
            s0, s1, s2, s3 = l0[d], l1[d], l2[d], l3[d]
            for f in range(d + 1):
                scratch[f] -= s0 * l0[f] + s1 * l1[f] + s2 * l2[f] + s3 * l3[f]
            x[d] -= s0 * x[k] + s1 * x[k + 1] + s2 * x[k + 2] + s3 * x[k + 3]
            k += 4
        while k < width:
            s = matrix[k, d]
            for f in range(d + 1):
                scratch[f] -= s * matrix[k, f]
            x[d] -= s * x[k]
            k += 1
        inverse = np.float32(1) / np.sqrt(scratch[d])
        for f in range(d + 1):
            matrix[d, f] = scratch[f] * inverse
        x[d] *= inverse
    for d in range(width):
        total = x[d]
        for f in range(d):
            total -= matrix[d, f] * x[f]
        x[d] = total / matrix[d, d]
