"""Losses over one sample that all rows share, with their gradients: the scores are replaced by the gradient in two passes over each row.

`losses.shared` has the formulas and the meaning of the arguments: scores float32 [b, C], biases float32 [C], right int64 [b], times and
weight float32 [C], own float32 [b]. Filled are losses float32 [b] and totals float32 [C], the gradient of the biases.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.exp import exp

Array = npt.NDArray[Any]
TINY = np.float32(1e-24)
ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)
VECTORS = {"contract", "reassoc", "nsz"}


@njit(cache=True, nogil=True, fastmath=VECTORS, error_model="numpy", forceinline=True)
def cross_entropy(scores: Array, biases: Array, right: Array, weight: Array, own: Array, losses: Array, totals: Array) -> None:
    """-log(p + 1e-24), with p the softmax's share of the target's own occurrence."""
    totals[:] = 0
    for i in range(len(scores)):
        row = scores[i]
        highest = np.float32(-np.inf)
        for j in range(len(row)):
            s = row[j] + biases[j]
            row[j] = s
            highest = s if s > highest else highest
        at_right = row[right[i]]
        total = ZERO
        for j in range(len(row)):
            e = exp(row[j] - highest) * weight[j]
            row[j] = e
            total += e
        share = np.exp(at_right - highest) * own[i] / total
        losses[i] = -np.log(share + TINY)
        scale = share / (share + TINY)
        by = scale / total
        for j in range(len(row)):
            g = row[j] * by
            row[j] = g
            totals[j] += g
        row[right[i]] -= scale
        totals[right[i]] -= scale


@njit(cache=True, nogil=True, fastmath=VECTORS, error_model="numpy", forceinline=True)
def bpr_max(
    scores: Array,
    biases: Array,
    right: Array,
    times: Array,
    losses: Array,
    totals: Array,
    scratch: Array,
    bpreg: np.float32,
    elu: np.float32,
) -> None:
    """-log(A + 1e-24) + bpreg R. `scratch` is float32 [2, C]; `times` is changed on the way and as before at the end."""
    shares, chances = scratch[0], scratch[1]
    totals[:] = 0
    for i in range(len(scores)):
        row = scores[i]
        place = right[i]
        for j in range(len(row)):
            s = row[j] + biases[j]
            row[j] = elu * (exp(s if s < ZERO else ZERO) - ONE) if (elu > ZERO) & (s <= ZERO) else s
        target = row[place]
        times[place] -= ONE  # the target's own occurrence is no negative; subtracting its part from the sums would leave rounding alone
        highest = np.float32(-np.inf) if times[place] == ZERO else target
        row[place] = np.float32(-np.inf)
        for j in range(len(row)):
            highest = row[j] if row[j] > highest else highest
        row[place] = target
        total = better = size = ZERO
        for j in range(len(row)):
            o = row[j]
            e = exp(o - highest) * times[j]
            c = ONE / (ONE + exp(o - target))
            shares[j], chances[j] = e, c
            total += e
            better += e * c
            size += e * o * o
        better, size, part = better / total, size / total, ONE / total
        losses[i] = -np.log(better + TINY) + bpreg * size
        inverse = ONE / (better + TINY)
        level = -better * inverse + bpreg * size
        pulled = ZERO
        for j in range(len(row)):
            o, c = row[j], chances[j]
            w = shares[j] * part
            slope = w * c * (ONE - c) * inverse
            pulled += slope
            g = w * (bpreg * o * o + TWO * bpreg * o - c * inverse - level) + slope
            g = g * (o + elu) if (elu > ZERO) & (o <= ZERO) else g
            row[j] = g
            totals[j] += g
        g = -pulled * (target + elu) if (elu > ZERO) & (target <= ZERO) else -pulled
        row[place] += g
        totals[place] += g
        times[place] += ONE
