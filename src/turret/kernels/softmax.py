"""Softmax of inner products over a whole catalogue, of which no more scores exist at once than fit in a core's cache.

Queries are taken in tiles and items in blocks. `Queries` lays the queries out once, items are laid out block by block on the way. Blocks
belong to spans, the pieces of work that threads take; what a span adds to a result that all of them share is kept apart and summed in the
end, in their order, so that results do not depend on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.exp import exp
from turret.kernels.gemm import gemm, width
from turret.kernels.parallel import over_rows

Array = npt.NDArray[Any]
VECTORS = {"contract", "reassoc", "nsz"}

TILE = 256
"""Queries of a tile, at most."""
BLOCK = 240
"""Items of a block: with a tile's queries 245 kB of scores; a multiple of `gemm.TILE`."""
SPANS, APART = 64, 2**22
"""Spans of the catalogue, at most: as many as keep what they add to the queries' gradients within 16 MB, yet at least 8."""
WORK = 2**24
"""Multiplications of one product that a thread is called for, at least."""


@dataclass(frozen=True, slots=True)
class Queries:
    """Queries float32 [Q, D] as the kernels read them: L tiles of K queries, filled up with zeros.

    Attributes:
        rows: float32 [L, K, D'] with D' = D, padded.
        columns: float32 [L, D, K].
        count: Q.
    """

    rows: Array
    columns: Array
    count: int

    @classmethod
    def of(cls, query: Array) -> Queries:
        """Lays them out."""
        count, depth = query.shape
        tiles = max(1, -(-count // TILE))
        tile = width(max(1, -(-count // tiles)))
        rows = np.zeros((tiles, tile, width(depth)), dtype=np.float32)
        rows.reshape(tiles * tile, -1)[:count, :depth] = query
        return cls(rows, np.ascontiguousarray(rows[:, :, :depth].transpose(0, 2, 1)), count)

    def tiled(self, values: Array) -> Array:
        """A number for each query, [Q] -> float32 [L, K], 0 for those that fill up."""
        laid = np.zeros(self.rows.shape[:2], dtype=np.float32)
        laid.reshape(-1)[: self.count] = values
        return laid


def normalisers(queries: Queries, items: Array) -> tuple[Array, Array]:
    """The highest score of each query, and the sum of e^(score - highest) over all items: float32 [Q] both.

    Args:
        queries: Q of them, of width D.
        items: float32 [I, D], contiguous.
    """
    span, spans, least = _spans(queries, items)
    highest, total = (np.empty((spans, *queries.rows.shape[:2]), dtype=np.float32) for _ in range(2))
    over_rows(lambda start, stop: _normalisers(queries.columns, items, span, start, stop, highest, total), spans, least)
    overall = highest.max(axis=0)
    summed = (total.astype(np.float64) * np.exp((highest - overall).astype(np.float64))).sum(axis=0)
    return overall.reshape(-1)[: queries.count], summed.astype(np.float32).reshape(-1)[: queries.count]


def gradients(queries: Queries, items: Array, highest: Array, scale: Array) -> tuple[Array, Array]:
    """sum over i of p_qi item_i, and sum over q of p_qi query_q, with p_qi = scale_q e^(score_qi - highest_q): float32 [Q, D], [I, D].

    Args:
        queries: Q of them, of width D.
        items: float32 [I, D], contiguous.
        highest, scale: float32 [Q].
    """
    span, spans, least = _spans(queries, items)
    tops, scales = queries.tiled(highest), queries.tiled(scale)
    for_queries = np.empty((spans, *queries.rows.shape), dtype=np.float32)
    for_items = np.empty_like(items)
    scaled = queries.rows * scales[:, :, None]
    arrays = queries.columns, scaled, items, tops
    over_rows(lambda start, stop: _gradients(*arrays, span, start, stop, for_queries, for_items), spans, least)
    summed = for_queries.sum(axis=0)
    summed *= scales[:, :, None]
    return np.ascontiguousarray(summed.reshape(-1, summed.shape[2])[: queries.count, : items.shape[1]]), for_items


def kept(scores: Array, rows: Array, target: Array, weight: Array) -> float:
    """The sum over targets of -weight * log softmax(scores[row])[target], whose gradient takes the place of the scores.

    Args:
        scores: float32 [Q, I], overwritten.
        rows, target: int64 [T].
        weight: float32 [T].
    """
    right, mass = _right(scores, rows, target, weight)
    normaliser = np.empty(len(scores), dtype=np.float64)
    over_rows(lambda start, stop: _shares(scores[start:stop], mass[start:stop], normaliser[start:stop]), len(scores))
    _less(scores, rows, target, weight)
    return float(mass.astype(np.float64) @ normaliser - right)


def _spans(queries: Queries, items: Array) -> tuple[int, int, int]:
    """Items of a span, how many spans there are, and how many a thread should take at least."""
    blocks = -(-len(items) // BLOCK)
    most = min(SPANS, max(8, APART // queries.rows.size))
    span = -(-blocks // most) * BLOCK
    return span, -(-len(items) // span), -(-WORK // (span * queries.rows.size))


@njit(cache=True, nogil=True, fastmath=VECTORS, error_model="numpy")
def _normalisers(columns: Array, items: Array, span: int, start: int, stop: int, highest: Array, total: Array) -> None:
    """Spans start..stop-1 of `highest` and `total`, float32 [spans, L, K]."""
    tiles, depth, tile = columns.shape
    scores, summed = np.empty((BLOCK, tile), dtype=np.float32), np.empty(tile, dtype=np.float32)
    for s in range(start, stop):
        highest[s] = -np.inf
        total[s] = 0
        end = min((s + 1) * span, len(items))
        for first in range(s * span, end, BLOCK):
            size = min(BLOCK, end - first)
            block = items.ctypes.data + 4 * first * depth
            for t in range(tiles):
                gemm(block, depth, 1, columns[t].ctypes.data, tile, scores.ctypes.data, tile, size, tile, depth)
                top, sums = highest[s, t], total[s, t]
                summed[:] = top
                for i in range(size):
                    row = scores[i]
                    for j in range(tile):
                        summed[j] = row[j] if row[j] > summed[j] else summed[j]
                for j in range(tile):
                    sums[j] *= exp(top[j] - summed[j])
                    top[j] = summed[j]
                    summed[j] = 0
                for i in range(size):
                    row = scores[i]
                    for j in range(tile):
                        summed[j] += exp(row[j] - top[j])
                for j in range(tile):
                    sums[j] += summed[j]


@njit(cache=True, nogil=True, fastmath=VECTORS, error_model="numpy")
def _gradients(
    columns: Array, scaled: Array, items: Array, tops: Array, span: int, start: int, stop: int, for_queries: Array, for_items: Array
) -> None:
    """Spans start..stop-1 of `for_queries`, float32 [spans, L, K, D'], and their rows of `for_items`, float32 [I, D]."""
    tiles, depth, tile = columns.shape
    padded = scaled.shape[2]
    shares = np.empty((BLOCK, tile), dtype=np.float32)
    block, of_block = np.zeros((BLOCK, padded), dtype=np.float32), np.empty((BLOCK, padded), dtype=np.float32)
    of_tile = np.empty((tile, padded), dtype=np.float32)
    for s in range(start, stop):
        for_queries[s] = 0
        end = min((s + 1) * span, len(items))
        for first in range(s * span, end, BLOCK):
            size = min(BLOCK, end - first)
            block[:size, :depth] = items[first : first + size]
            for_items[first : first + size] = 0
            for t in range(tiles):
                gemm(block.ctypes.data, padded, 1, columns[t].ctypes.data, tile, shares.ctypes.data, tile, size, tile, depth)
                top = tops[t]
                for i in range(size):
                    row = shares[i]
                    for j in range(tile):
                        row[j] = exp(row[j] - top[j])
                gemm(shares.ctypes.data, 1, tile, block.ctypes.data, padded, of_tile.ctypes.data, padded, tile, padded, size)
                so_far = for_queries[s, t]
                for j in range(tile):
                    for d in range(padded):
                        so_far[j, d] += of_tile[j, d]
                gemm(shares.ctypes.data, tile, 1, scaled[t].ctypes.data, padded, of_block.ctypes.data, padded, size, padded, tile)
                for i in range(size):
                    row = for_items[first + i]
                    for d in range(depth):
                        row[d] += of_block[i, d]


@njit(cache=True, nogil=True)
def _right(scores: Array, rows: Array, target: Array, weight: Array) -> tuple[float, Array]:
    """The weighted sum of the targets' scores, and the summed weights of each query, float32 [Q]."""
    total, mass = 0.0, np.zeros(len(scores), dtype=np.float32)
    for t in range(len(target)):
        total += np.float64(weight[t]) * scores[rows[t], target[t]]
        mass[rows[t]] += weight[t]
    return total, mass


@njit(cache=True, nogil=True)
def _less(scores: Array, rows: Array, target: Array, weight: Array) -> None:
    """Takes each target's weight from its place."""
    for t in range(len(target)):
        scores[rows[t], target[t]] -= weight[t]


@njit(cache=True, nogil=True, fastmath=VECTORS, error_model="numpy")
def _shares(scores: Array, mass: Array, normaliser: Array) -> None:
    """mass_q softmax(scores_q) in the place of each row of scores, and the logarithm of its normaliser."""
    for q in range(len(scores)):
        row = scores[q]
        top = row[0]
        for i in range(len(row)):
            top = row[i] if row[i] > top else top
        total = np.float32(0)
        for i in range(len(row)):
            share = exp(row[i] - top)
            row[i] = share
            total += share
        normaliser[q] = top + np.log(np.float64(total))
        scale = mass[q] / total
        for i in range(len(row)):
            row[i] *= scale
