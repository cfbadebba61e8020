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

from turret.kernels.apart import apart
from turret.kernels.drawing import distinct
from turret.kernels.exp import tanh
from turret.kernels.gemm import LANES, multiply
from turret.kernels.gru import backward, mix, open_gates
from turret.kernels.rows import inner_adagrad, momentum_adagrad
from turret.kernels.shared import bpr_max, cross_entropy

Array = npt.NDArray[Any]
ONE = np.float32(1)


class Rows(NamedTuple):
    """A parameter [n, D] with what its optimizer remembers of it; `velocity` is empty without momentum."""

    weight: Array
    total: Array
    velocity: Array


class Cell(NamedTuple):
    """A layer: weights [3D, I] and [3D, D], biases [1, 3D]."""

    weight_ih: Rows
    weight_hh: Rows
    bias_ih: Rows
    bias_hh: Rows


class Batches(NamedTuple):
    """Mini-batches: M + 1 offsets, and for each slot of each what is read and predicted, whether it is fresh, whence it came."""

    offsets: Array
    items: Array
    target: Array
    fresh: Array
    kept: Array


class Counts(NamedTuple):
    """What an occurrence of an item counts, as a target and as a drawn one, and scratch: see `kernels.drawing`."""

    target: Array
    sample: Array
    slot: Array


class Numbers(NamedTuple):
    """The scalars: of the update, of the loss, and the rows of a full mini-batch."""

    rate: np.float32
    decay: np.float32
    eps: np.float32
    momentum: np.float32
    softmax: bool
    bpreg: np.float32
    elu: np.float32
    batch_size: int
    full_boundary: bool


@njit(cache=True, nogil=True)
def turned(source: Array, rows: int, columns: int, out: Array) -> None:
    """out[c, r] = source[r, c]."""
    apart()
    for r0 in range(0, rows, 8):
        for c in range(columns):
            for r in range(r0, min(r0 + 8, rows)):
                out[c, r] = source[r, c]


@njit(cache=True, nogil=True)
def drop(x: Array, rows: int, columns: int, seed: np.uint64, p: np.float32, mask: Array) -> None:
    """Drops numbers with probability p and scales the others by 1 / (1 - p); `mask` is filled with what each was multiplied by.

    Which are dropped is a hash of the seed and the place (S. Vigna's SplitMix64).
    """
    apart()
    scale, bound = ONE / (ONE - p), np.uint64(np.float64(p) * 4294967296.0)
    for r in range(rows):
        for c in range(columns):
            z = seed + np.uint64(r * columns + c + 1) * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = (z ^ (z >> np.uint64(31))) >> np.uint64(32)
            mask[r, c] = scale if z >= bound else np.float32(0)
            x[r, c] *= mask[r, c]


@njit(cache=True, nogil=True)
def update(rows: Rows, ids: Array, gradient: Array, numbers: Numbers) -> None:
    """One update of the rows `ids`, all different."""
    apart()
    if rows.velocity.size:
        momentum_adagrad(rows.weight, rows.total, rows.velocity, ids, gradient, numbers.rate, numbers.decay, numbers.eps, numbers.momentum)
    else:
        inner_adagrad(rows.weight, rows.total, ids, gradient, numbers.rate, numbers.decay, numbers.eps)


@njit(cache=True, nogil=True)
def linear(left: Array, weight: Array, bias: Array, columns: Array, across: Array, out: Array) -> None:
    """out = left weight^T + bias, for [b, >= I], [n, I], [1, n] and [b, n]; `columns` and `across` hold the transposes of left and out."""
    apart()
    rows, lanes = len(out), padded(len(out))
    turned(left, rows, weight.shape[1], columns)
    multiply(weight, columns[: weight.shape[1], :lanes], across[: len(weight), :lanes])
    for r in range(rows):
        for c in range(len(weight)):
            out[r, c] = across[c, r] + bias[0, c]


@njit(cache=True, nogil=True)
def padded(n: int) -> int:
    """`n`, rounded up to whole vectors."""
    return (n + LANES - 1) // LANES * LANES


@njit(cache=True, nogil=True)
def copied(source: Array, rows: int, columns: int) -> Array:
    """The first rows and columns, padded with zeros."""
    out = np.zeros((rows, padded(columns)), np.float32)
    for r in range(rows):
        for c in range(columns):
            out[r, c] = source[r, c]
    return out


@njit(cache=True, nogil=True)
def go_on(state: Array, fresh: Array, kept: Array) -> None:
    """The state that each slot goes on from; a slot never comes from one before it."""
    for i in range(len(fresh)):
        if fresh[i] or kept[i] != i:
            for d in range(state.shape[1]):
                state[i, d] = 0 if fresh[i] else state[kept[i], d]


class Passed(NamedTuple):
    """What a layer leaves for the way back: its input and state before [b, padded], the gates, the candidate after its tanh, the state's
    part of the gates, and what the output was multiplied by."""

    x: Array
    h: Array
    gates: Array
    candidate: Array
    from_state: Array
    mask: Array


@njit(cache=True, nogil=True)
def forth(x: Array, state: Array, cell: Cell, seed: np.uint64, p: np.float32, columns: Array, across: Array) -> tuple[Passed, Array]:
    """A layer: changes `state` [>= b, D] to its output, which is also returned, [b, padded]."""
    apart()
    b, size = len(x), state.shape[1]
    from_input, from_state = np.empty((b, 3 * size), np.float32), np.empty((b, 3 * size), np.float32)
    linear(x, cell.weight_ih.weight, cell.bias_ih.weight, columns, across, from_input)
    linear(state, cell.weight_hh.weight, cell.bias_hh.weight, columns, across, from_state)
    gates, candidate, after = np.empty((b, 2 * size), np.float32), np.empty((b, size), np.float32), np.empty((b, size), np.float32)
    open_gates(from_input, from_state, gates, candidate)
    for i in range(b):
        for d in range(size):
            candidate[i, d] = tanh(candidate[i, d])
    mix(gates, candidate, state[:b], after)
    h, mask = copied(state, b, size), np.empty((b, size), np.float32)
    if p > 0:
        drop(after, b, size, seed, p, mask)
    for i in range(b):
        for d in range(size):
            state[i, d] = after[i, d]
    return Passed(x, h, gates, candidate, from_state, mask), copied(after, b, size)


@njit(cache=True, nogil=True)
def back(gradient: Array, cell: Cell, passed: Passed, p: np.float32, columns: Array, across: Array, ids: Array, numbers: Numbers) -> Array:
    """From the gradient of a layer's output [b, D], which is changed, to that of its input [b, I]; updates the layer."""
    apart()
    b, size = gradient.shape
    if p > 0:
        for i in range(b):
            for d in range(size):
                gradient[i, d] *= passed.mask[i, d]
    for_input, for_state = np.empty((b, 3 * size), np.float32), np.empty((b, 3 * size), np.float32)
    for_bias_ih, for_bias_hh = np.empty((1, 3 * size), np.float32), np.empty((1, 3 * size), np.float32)
    h, carried = np.empty((b, size), np.float32), np.empty((b, size), np.float32)
    for i in range(b):
        for d in range(size):
            h[i, d] = passed.h[i, d]
    backward(gradient, passed.gates, passed.candidate, passed.from_state, h, for_input, for_state, carried, for_bias_ih[0], for_bias_hh[0])
    for_weight_ih = np.empty((3 * size, passed.x.shape[1]), np.float32)
    for_weight_hh = np.empty((3 * size, passed.h.shape[1]), np.float32)
    multiply(for_input.T, passed.x, for_weight_ih)
    multiply(for_state.T, passed.h, for_weight_hh)
    below, lanes = cell.weight_ih.weight.shape[1], padded(b)
    turned(for_input, b, 3 * size, across)
    multiply(cell.weight_ih.weight.T, across[: 3 * size, :lanes], columns[:below, :lanes])
    for_x = np.empty((b, below), np.float32)
    turned(columns, below, b, for_x)
    update(cell.weight_ih, ids[: 3 * size], for_weight_ih, numbers)
    update(cell.weight_hh, ids[: 3 * size], for_weight_hh, numbers)
    update(cell.bias_ih, ids[:1], for_bias_ih, numbers)
    update(cell.bias_hh, ids[:1], for_bias_hh, numbers)
    return for_x


@njit(cache=True, nogil=True)
def gathered(read: Array, gradient: Array, slot: Array, ids: Array, sums: Array, rows: int) -> int:
    """Adds the gradients [b, I] of the items that were read to `rows` sums of gradients, of different items `ids`; returns how many there
    are then. `slot` is -1 everywhere between calls."""
    apart()
    for r in range(rows):
        slot[ids[r]] = r
    for i in range(len(read)):
        place = slot[read[i]]
        if place < 0:
            slot[read[i]], ids[rows] = rows, read[i]
            for d in range(gradient.shape[1]):
                sums[rows, d] = gradient[i, d]
            rows += 1
        else:
            for d in range(gradient.shape[1]):
                sums[place, d] += gradient[i, d]
    for r in range(rows):
        slot[ids[r]] = -1
    return rows


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
    slot: Array,
    shared: bool,
    cells: Any,
    states: Any,
    ids: Array,
    numbers: Numbers,
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
        slot: int32 [n] scratch, -1 everywhere between calls.
        shared: whether items are read by the vectors that they are scored by.
        cells: the layers, a tuple of `Cell`.
        states: float32 [B, D] of each layer, carried from call to call.
        ids: int64, 0, 1, 2, ... for the longest weight.
        numbers: scalars.
    """
    layers, full, depth, read_width = len(cells), numbers.batch_size, items.weight.shape[1], read.weight.shape[1]
    wide = max(read_width, depth)
    for cell in cells:
        wide = max(wide, len(cell.weight_ih.weight))
    most, lanes = full + drawn.shape[1], padded(full)
    columns, across = np.zeros((wide, lanes), np.float32), np.zeros((wide, lanes), np.float32)
    scores_across = np.zeros((most, lanes), np.float32)
    chosen, right = np.empty(most, np.int64), np.empty(full, np.int64)
    times, weight, own = np.empty(most, np.float32), np.empty(most, np.float32), np.empty(full, np.float32)
    vectors, for_vectors = np.zeros((most, padded(depth)), np.float32), np.zeros((most + full, padded(depth)), np.float32)
    bias, totals, losses = np.empty(most, np.float32), np.empty(most, np.float32), np.empty(full, np.float32)
    flat, scratch, touched = np.empty(full * most, np.float32), np.empty(2 * most, np.float32), np.empty(most + full, np.int64)
    read_ids, for_read = np.empty(full, np.int64), np.zeros((full, read_width), np.float32)
    scale, whole = ONE / np.float32(full), 0.0
    for m in range(start, stop):
        low, high = batches.offsets[m], batches.offsets[m + 1]
        b, taken, at = high - low, batches.items[low:high], m - start
        lanes = padded(b)
        # what is read
        x, mask = np.zeros((b, padded(read_width)), np.float32), np.empty((b, read_width), np.float32)
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
        boundary = full if numbers.full_boundary else b
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
        if numbers.softmax:
            cross_entropy(scores, bias[:count], right[:b], weight[:count], own[:b], losses[:b], totals[:count])
        else:
            space = scratch[: 2 * count].reshape((2, count))
            bpr_max(scores, bias[:count], right[:b], times[:count], losses[:b], totals[:count], space, numbers.bpreg, numbers.elu)
        loss, for_biases = 0.0, np.empty((count, 1), np.float32)
        for i in range(b):
            loss += losses[i]
        whole += loss / full
        for c in range(count):
            for_biases[c, 0] = totals[c] * scale
        # back to the candidates and the query
        for_query = np.empty((b, padded(depth)), np.float32)
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
            gradient = back(gradient, cells[level], passed[level], dropout[level + 1], columns, across, ids, numbers)
        if dropout[0] > 0:
            for i in range(b):
                for d in range(read_width):
                    gradient[i, d] *= mask[i, d]
        rows = count
        if shared:
            rows = gathered(taken, gradient, slot, touched, for_vectors, count)
        else:
            update(read, read_ids[: gathered(taken, gradient, slot, read_ids, for_read, 0)], for_read, numbers)
        update(items, touched[:rows], for_vectors, numbers)
        update(biases, touched[:count], for_biases, numbers)
    return whole
