"""Mini-batches of a recurrent model against a shared sample, from the items that are read to the rows that are updated, without a way back
through Python: at a hundred units the calls of some sixty operations take longer than the operations.

The pieces are those that `nn.gru`, `losses.shared`, `sampling.shared` and `training.optimizers.rowwise` are made of; a test holds the two
ways equal. Letters: b rows, D width of a layer, I width of its input, C candidates. Arrays that `gemm` reads or writes by whole vectors are
padded: their last dimension is `width(n)`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.drawing import distinct
from turret.kernels.gemm import multiply, width
from turret.kernels.layer import back, drop, forth, go_on, turned
from turret.kernels.rows import Rate, Rows, add_rows, update
from turret.kernels.shared import bpr_max, cross_entropy

Array = npt.NDArray[Any]
ONE = np.float32(1)


class Batches(NamedTuple):
    """Mini-batches: M + 1 offsets, and for each slot of each what is read and predicted, whether it is fresh, whence it came."""

    offsets: Array
    items: Array
    target: Array
    fresh: Array
    kept: Array


class Loss(NamedTuple):
    """Which loss, and its scalars."""

    softmax: bool
    bpreg: np.float32
    elu: np.float32


class Counts(NamedTuple):
    """What an occurrence of an item counts, as a target and as a drawn one, and scratch: see `kernels.drawing`."""

    target: Array
    sample: Array
    slot: Array


@njit(cache=True, nogil=True)
def mini_batches(
    start: int,
    stop: int,
    batches: Batches,
    drawn: Array,
    seeds: Array,
    dropout: Array,
    counts: Counts,
    items: Rows,
    biases: Rows,
    read: Rows,
    shared: bool,
    cells: Any,
    states: Any,
    ids: Array,
    rate: Rate,
    loss: Loss,
    batch_size: int,
    full_boundary: bool,
) -> float:
    """Trains on mini-batches start..stop-1 and returns the sum of their losses.

    Args:
        start, stop: which.
        batches: of the whole epoch.
        drawn: int64 [stop - start, N] the samples.
        seeds: uint64 [stop - start, L + 1] of the dropout of what is read, and of each of the L layers.
        dropout: float32 [L + 1] its probabilities.
        counts: what occurrences count.
        items, biases: what items are scored by, [n, D] and [n, 1].
        read: the vectors that items are read by, [n, I]; where `shared`, `items`.
        shared: whether items are read by the vectors that they are scored by.
        cells: the layers, a tuple of `Cell`.
        states: float32 [B, D] of each layer, carried from call to call.
        ids: int64, 0, 1, 2, ... for the longest weight.
        rate: of the updates.
        loss: which.
        batch_size: B, rows of a full mini-batch.
        full_boundary: see `training.objectives.streaming`.
    """
    layers, full, depth, read_width = len(cells), batch_size, items.weight.shape[1], read.weight.shape[1]
    wide = max(read_width, depth)
    for cell in cells:
        wide = max(wide, len(cell.weight_ih.weight))
    most, lanes = full + drawn.shape[1], width(full)
    columns, across = np.zeros((wide, lanes), np.float32), np.zeros((wide, lanes), np.float32)
    scores_across = np.zeros((most, lanes), np.float32)
    chosen, right = np.empty(most, np.int64), np.empty(full, np.int64)
    times, weight, own = np.empty(most, np.float32), np.empty(most, np.float32), np.empty(full, np.float32)
    vectors, for_vectors = np.zeros((most, width(depth)), np.float32), np.zeros((most + full, width(depth)), np.float32)
    bias, totals, losses = np.empty(most, np.float32), np.empty(most, np.float32), np.empty(full, np.float32)
    flat, scratch, touched = np.empty(full * most, np.float32), np.empty(2 * most, np.float32), np.empty(most + full, np.int64)
    read_ids, for_read = np.empty(full, np.int64), np.zeros((full, read_width), np.float32)
    scale, whole = ONE / np.float32(full), 0.0
    for m in range(start, stop):
        low, high = batches.offsets[m], batches.offsets[m + 1]
        b, taken, at = high - low, batches.items[low:high], m - start
        lanes = width(b)
        # what is read
        x, mask = np.zeros((b, width(read_width)), np.float32), np.empty((b, read_width), np.float32)
        for i in range(b):
            for d in range(read_width):
                x[i, d] = read.weight[taken[i], d]
        if dropout[0] > 0:
            drop(x, b, read_width, seeds[at, 0], dropout[0], mask)
        # the layers
        go_on(states[0], batches.fresh[low:high], batches.kept[low:high])
        first, query = forth(x, states[0], cells[0], seeds[at, 1], dropout[1], columns, across)
        passed = [first]
        for level in range(1, layers):
            go_on(states[level], batches.fresh[low:high], batches.kept[low:high])
            step, query = forth(query, states[level], cells[level], seeds[at, level + 1], dropout[level + 1], columns, across)
            passed.append(step)
        # the candidates and their scores
        boundary = full if full_boundary else b
        target = batches.target[low:high]
        count = distinct(target, drawn[at], counts.target, counts.sample, boundary, counts.slot, chosen, right, times, weight, own)
        for c in range(count):
            bias[c], touched[c] = biases.weight[chosen[c], 0], chosen[c]
            for d in range(depth):
                vectors[c, d] = items.weight[chosen[c], d]
        turned(query, b, depth, columns)
        multiply(vectors[:count, :depth], columns[:depth, :lanes], scores_across[:count, :lanes])
        scores = flat[: b * count].reshape((b, count))
        turned(scores_across, count, b, scores)
        # the loss, whose gradient takes the place of the scores
        if loss.softmax:
            cross_entropy(scores, bias[:count], right[:b], weight[:count], own[:b], losses[:b], totals[:count])
        else:
            space = scratch[: 2 * count].reshape((2, count))
            bpr_max(scores, bias[:count], right[:b], times[:count], losses[:b], totals[:count], space, loss.bpreg, loss.elu)
        for_biases, summed = np.empty((count, 1), np.float32), 0.0
        for i in range(b):
            summed += losses[i]
        whole += summed / full
        for c in range(count):
            for_biases[c, 0] = totals[c] * scale
        # back to the candidates and the query
        for_query = np.empty((b, width(depth)), np.float32)
        multiply(scores, vectors[:count], for_query)
        gradient = np.empty((b, depth), np.float32)
        for i in range(b):
            for d in range(depth):
                gradient[i, d] = for_query[i, d] * scale
                query[i, d] *= scale
        multiply(scores.T, query, for_vectors[:count])
        # back through the layers, to what was read
        for down in range(layers):
            level = layers - 1 - down
            gradient = back(gradient, cells[level], passed[level], dropout[level + 1], columns, across, ids, rate)
        if dropout[0] > 0:
            for i in range(b):
                for d in range(read_width):
                    gradient[i, d] *= mask[i, d]
        rows = count
        if shared:
            rows = add_rows(taken, gradient, counts.slot, touched, for_vectors, count)
        else:
            update(read, read_ids[: add_rows(taken, gradient, counts.slot, read_ids, for_read, 0)], for_read, rate)
        update(items, touched[:rows], for_vectors, rate)
        update(biases, touched[:count], for_biases, rate)
    return whole
