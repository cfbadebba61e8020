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
NEVER_NAN = {"nnan", "nsz"}
"""What lets the greatest of several numbers be found in vector registers."""
DENSE = 4
"""A row of G is treated as dense if there is more than one pair for this many items."""
BLOCK = 16
"""Similarities in a block, unless there are too few of them for blocks of that length."""


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
    size: Array,
    jaccard: bool,
    shrinkage: float,
    ids: Array,
    similarity: Array,
) -> None:
    """The k nearest of each of items start..stop-1, without G ever being held.

    The similarity is G_ij / (s_i s_j + shrinkage), for a cosine with s = `size` float32 [I] the square roots of the diagonal of G, or, for
    `jaccard`, G_ij / (s_i + s_j - G_ij + shrinkage) with s the diagonal itself. Fills `ids` int32 [I, k] and `similarity` float32 [I, k],
    the nearest first, of equals the one with the lower id. Where an item has fewer than k with G_ij > 0, the places left get similarity 0.
    """
    n_items = len(size)
    shared = np.zeros(n_items, dtype=np.float32)
    met, every = np.empty(n_items, dtype=np.int32), np.arange(n_items).astype(np.int32)
    met_shared, met_size = np.empty(n_items, dtype=np.float32), np.empty(n_items, dtype=np.float32)
    value = np.empty(n_items, dtype=np.float32)
    for i in range(start, stop):
        pairs = 0
        for p in range(item_offsets[i], item_offsets[i + 1]):
            pairs += offsets[users[p] + 1] - offsets[users[p]]
        if DENSE * pairs > n_items:  # noting which items are met would cost more than to look at all of them
            for p in range(item_offsets[i], item_offsets[i + 1]):
                u = users[p]
                for q in range(offsets[u], offsets[u + 1]):
                    shared[items[q]] += weight[u]
            _similarities(shared, size, size[i], n_items, jaccard, shrinkage, value)
            value[i] = 0
            shared[:] = 0
            _keep_nearest(every, value, n_items, ids[i], similarity[i])
        else:
            count = 0
            for p in range(item_offsets[i], item_offsets[i + 1]):
                u = users[p]
                if weight[u] > 0:
                    for q in range(offsets[u], offsets[u + 1]):
                        j = items[q]
                        if shared[j] == 0:
                            met[count] = j
                            count += 1
                        shared[j] += weight[u]
            shared[i] = 0
            for m in range(count):
                j = met[m]
                met_shared[m], met_size[m] = shared[j], size[j]
                shared[j] = 0
            _similarities(met_shared, met_size, size[i], count, jaccard, shrinkage, value)
            _keep_nearest(met, value, count, ids[i], similarity[i])


@njit(cache=True, nogil=True, fastmath=NEVER_NAN, forceinline=True)
def _similarities(shared: Array, size: Array, own: float, count: int, jaccard: bool, shrinkage: float, value: Array) -> None:
    """Similarities to `count` others of sizes `size`, where `shared` are the entries of G and `own` is the size of the item itself."""
    shrinkage += np.float32(1e-30)  # an item all of whose users have weight 0 has size 0
    if jaccard:
        for m in range(count):
            value[m] = shared[m] / (own + size[m] - shared[m] + shrinkage)
    else:
        for m in range(count):
            value[m] = shared[m] / (own * size[m] + shrinkage)


@njit(cache=True, nogil=True, fastmath=NEVER_NAN, forceinline=True)
def _keep_nearest(others: Array, value: Array, count: int, ids: Array, similarity: Array) -> None:
    """The k greatest of `value` above 0, and which of `others` they belong to, in order.

    Each block's greatest value is one of the values; so the k-th greatest of these is a floor, and few values are not below it.
    """
    k, size = len(similarity), 0
    block = max(1, min(BLOCK, count // (2 * k)))
    greatest = np.empty(-(-count // block), dtype=np.float32)
    for number in range(len(greatest)):
        most = np.float32(0)
        for m in range(number * block, min(number * block + block, count)):
            most = max(most, value[m])
        greatest[number] = most
    floor = np.partition(greatest, len(greatest) - k)[len(greatest) - k] if len(greatest) > k else np.float32(0)
    for number in range(len(greatest)):
        if greatest[number] > 0 and greatest[number] >= floor:
            for m in range(number * block, min(number * block + block, count)):
                if value[m] > 0 and value[m] >= floor:
                    if size < k:
                        _grow(similarity, ids, size, value[m], others[m])
                        size += 1
                    elif _nearer(value[m], others[m], similarity[0], ids[0]):
                        _replace_farthest(similarity, ids, k, value[m], others[m])
    for end in range(size - 1, 0, -1):  # the farthest goes behind the heap that is left: nearest first in the end
        far, other = similarity[end], ids[end]
        similarity[end], ids[end] = similarity[0], ids[0]
        _replace_farthest(similarity, ids, end, far, other)
    similarity[size:], ids[size:] = 0, 0


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
