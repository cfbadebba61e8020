"""The second codeword of an inverted multi-index, drawn given the first, and how likely its items are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]
FAR = 600.0
"""Logs so far apart that the lesser's exponential, relative to the greater, is near the end of what float64 can hold."""


@njit(cache=True, nogil=True)
def second_codewords(
    start: int,
    stop: int,
    first: Array,
    uniform: Array,
    weights: Array,
    scores: Array,
    inside: Array,
    powers: Array,
    top: Array,
    bucket: Array,
) -> None:
    """bucket[t, n] = K first[t, n] + k for the k that uniform[t, n] means, for rows `start` to `stop - 1`.

    k has the probability weights[first, k] exp(scores[t, k]) / exp(inside[t, first]). The exponentials of a query are shared by its draws,
    unless the greatest of them belongs to buckets so much better than this first codeword has that next to it nothing is left of its own.

    Args:
        start, stop: which rows.
        first: int64 [T, N], with at least one positive weight.
        uniform: float64 [T, N] in [0, 1).
        weights: float64 [K, K] the mass of each bucket.
        scores: float64 [T, K] of the second codewords.
        inside: float64 [T, K] for each first codeword the log of the sum over k of weights[first, k] exp(scores[t, k]).
        powers: float64 [T, K] exp(scores - top).
        top: float64 [T, 1] the greatest of each row of scores.
        bucket: int64 [T, N], filled.
    """
    words = weights.shape[0]
    for t in range(start, stop):
        for n in range(first.shape[1]):
            word = first[t, n]
            log_sum = inside[t, word]
            row, near = weights[word], top[t, 0] - log_sum < FAR
            target = uniform[t, n] * np.exp(log_sum - top[t, 0]) if near else uniform[t, n]
            total, found = 0.0, 0
            for k in range(words):
                if row[k] > 0:
                    total += row[k] * powers[t, k] if near else row[k] * np.exp(scores[t, k] - log_sum)
                    found = k  # the last one, should rounding leave the sum below the target
                    if total > target:
                        break
            bucket[t, n] = word * words + found


@njit(cache=True, nogil=True)
def log_probs(
    start: int, stop: int, items: Array, words: Array, log_mass: Array, first: Array, second: Array, total: Array, log_prob: Array
) -> None:
    """log_prob[t, c] = the score of the codewords of items[t, c], the log of its mass, less the total, for rows `start` to `stop - 1`.

    Args:
        start, stop: which rows.
        items: int64 [T, C].
        words: int64 [2, I] the first and the second codeword of each item.
        log_mass: float64 [I].
        first, second: float64 [T, K] the scores of codewords.
        total: float64 [T, 1].
        log_prob: float32 [T, C], filled.
    """
    for t in range(start, stop):
        for c in range(items.shape[1]):
            item = items[t, c]
            log_prob[t, c] = first[t, words[0, item]] + second[t, words[1, item]] - total[t, 0] + log_mass[item]
