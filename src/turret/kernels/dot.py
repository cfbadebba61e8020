"""Inner products of each query with its own candidates, and their gradient, in one pass over memory each.

As `torch` operations the two would write the products [Q, C, D] out in full before summing them, or dispatch Q tiny matrix products.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def pairs(query: Array, items: Array, scores: Array) -> None:
    """scores[q, c] = <query[q], items[q, c]>, for [Q, D], [Q, C, D] and [Q, C]."""
    for q in range(items.shape[0]):
        left = query[q]
        for c in range(items.shape[1]):
            right = items[q, c]
            total = items.dtype.type(0)
            for d in range(len(left)):
                total += left[d] * right[d]
            scores[q, c] = total


@njit(cache=True, nogil=True, fastmath={"contract"})
def pairs_backward(query: Array, items: Array, gradient: Array, for_query: Array, for_items: Array) -> None:
    """for_query[q] = sum over c of gradient[q, c] items[q, c]; for_items[q, c] = gradient[q, c] query[q]."""
    for q in range(items.shape[0]):
        left, total = query[q], for_query[q]
        for d in range(len(left)):
            total[d] = 0
        for c in range(items.shape[1]):
            right, out, g = items[q, c], for_items[q, c], gradient[q, c]
            for d in range(len(left)):
                total[d] += g * right[d]
                out[d] = g * left[d]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def pairs_and_squares(query: Array, items: Array, scores: Array, squares: Array) -> None:
    """As `pairs`, and squares[q, c] = |items[q, c]|^2."""
    for q in range(items.shape[0]):
        left = query[q]
        for c in range(items.shape[1]):
            right = items[q, c]
            total, square = items.dtype.type(0), items.dtype.type(0)
            for d in range(len(left)):
                total += left[d] * right[d]
                square += right[d] * right[d]
            scores[q, c], squares[q, c] = total, square


@njit(cache=True, nogil=True, fastmath={"contract"})
def pairs_and_squares_backward(query: Array, items: Array, of_scores: Array, of_squares: Array, for_query: Array, for_items: Array) -> None:
    """As `pairs_backward`, and 2 of_squares[q, c] items[q, c] more for each item."""
    for q in range(items.shape[0]):
        left, total = query[q], for_query[q]
        for d in range(len(left)):
            total[d] = 0
        for c in range(items.shape[1]):
            right, out, g, h = items[q, c], for_items[q, c], of_scores[q, c], of_squares[q, c] + of_squares[q, c]
            for d in range(len(left)):
                total[d] += g * right[d]
                out[d] = g * left[d] + h * right[d]
