"""The item Gram matrix G = X^T X of a sparse X [U, I], row by row, with work in proportion to the pairs of items that users share.

X comes twice, with ascending ids in each row: by user (`offsets` [U + 1], `items` [n]) and by item (`item_offsets` [I + 1], `users` [n]).
An entry of user u counts `weight[u]` in each of its products, 1 everywhere for a binary X: G_ij = sum of weight[u] over the users u of
both i and j.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def lower_triangle(
    start: int, stop: int, offsets: Array, items: Array, item_offsets: Array, users: Array, weight: Array, out: Array
) -> None:
    """Adds rows start..stop-1 of G, up to the diagonal, to `out` float [I, I]."""
    for i in range(start, stop):
        row = out[i]
        for p in range(item_offsets[i], item_offsets[i + 1]):
            u = users[p]
            w = weight[u]
            for q in range(offsets[u], offsets[u + 1]):
                j = items[q]
                if j > i:
                    break
                row[j] += w


@njit(cache=True, nogil=True)
def neighbours(
    start: int,
    stop: int,
    offsets: Array,
    items: Array,
    item_offsets: Array,
    users: Array,
    weight: Array,
    square: Array,
    jaccard: bool,
    shrinkage: float,
    ids: Array,
    similarity: Array,
) -> None:
    """The k nearest of each of items start..stop-1, without G ever being held.

    With s = `square` [I] the diagonal of G, the similarity is G_ij / (sqrt(s_i s_j) + shrinkage), or G_ij / (s_i + s_j - G_ij + shrinkage)
    for `jaccard`. Fills `ids` int32 [I, k] and `similarity` float32 [I, k], the nearest first, of equals the one with the lower id. Where
    an item has fewer than k with G_ij > 0, similarity is 0 in the places left.
    """
    k = ids.shape[1]
    shared = np.zeros(len(square), dtype=np.float32)
    met = np.empty(len(square), dtype=np.int32)
    for i in range(start, stop):
        count = 0
        for p in range(item_offsets[i], item_offsets[i + 1]):
            u = users[p]
            w = weight[u]
            if w == 0:
                continue
            for q in range(offsets[u], offsets[u + 1]):
                j = items[q]
                if shared[j] == 0:
                    met[count] = j
                    count += 1
                shared[j] += w
        heap, heap_ids, size = similarity[i], ids[i], 0
        for m in range(count):
            j = met[m]
            g, shared[j] = shared[j], 0
            if j == i:
                continue
            if jaccard:
                value = np.float32(g / (square[i] + square[j] - g + shrinkage))
            else:
                value = np.float32(g / (np.sqrt(square[i] * square[j]) + shrinkage))
            if size < k:
                _grow(heap, heap_ids, size, value, j)
                size += 1
            elif _nearer(value, j, heap[0], heap_ids[0]):
                _replace_farthest(heap, heap_ids, k, value, j)
        for end in range(size - 1, 0, -1):  # the farthest goes behind the heap that is left: nearest first in the end
            value, j = heap[end], heap_ids[end]
            heap[end], heap_ids[end] = heap[0], heap_ids[0]
            _replace_farthest(heap, heap_ids, end, value, j)
        heap[size:], heap_ids[size:] = 0, 0


@njit(cache=True, nogil=True)
def _nearer(value: float, item: int, other: float, other_item: int) -> bool:
    return value > other or (value == other and item < other_item)


@njit(cache=True, nogil=True)
def _grow(heap: Array, ids: Array, size: int, value: float, item: int) -> None:
    """Adds to a heap whose root is the farthest."""
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if not _nearer(heap[parent], ids[parent], value, item):
            break
        heap[place], ids[place] = heap[parent], ids[parent]
        place = parent
    heap[place], ids[place] = value, item


@njit(cache=True, nogil=True)
def _replace_farthest(heap: Array, ids: Array, size: int, value: float, item: int) -> None:
    """Puts another in the place of the root."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and _nearer(heap[child], ids[child], heap[child + 1], ids[child + 1]):
            child += 1
        if not _nearer(value, item, heap[child], ids[child]):
            break
        heap[place], ids[place] = heap[child], ids[child]
        place = child
    heap[place], ids[place] = value, item


@njit(cache=True, nogil=True)
def sums_of_rows(
    start: int, stop: int, offsets: Array, items: Array, row_offsets: Array, columns: Array, values: Array, out: Array
) -> None:
    """out = X W for rows start..stop-1 of a binary X (`offsets` [B + 1], `items` [n]) and a sparse W (`row_offsets` [I + 1], `columns` and
    `values` [m]), added to `out` float32 [B, I]."""
    for b in range(start, stop):
        row = out[b]
        for p in range(offsets[b], offsets[b + 1]):
            for q in range(row_offsets[items[p]], row_offsets[items[p] + 1]):
                row[columns[q]] += values[q]
