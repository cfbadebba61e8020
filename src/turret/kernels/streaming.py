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

from turret.kernels.drawing import distinct, search
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


class Sample(NamedTuple):
    """Bounds and guide to draw by, and what an occurrence counts: see `kernels.drawing`."""

    upper: Array
    first: Array
    target_weight: Array
    sample_weight: Array
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
    for r0 in range(0, rows, 8):
        for c in range(columns):
            for r in range(r0, min(r0 + 8, rows)):
                out[c, r] = source[r, c]


@njit(cache=True, nogil=True)
def drop(x: Array, rows: int, columns: int, seed: np.uint64, p: np.float32, mask: Array) -> None:
    """Drops numbers with probability p and scales the others by 1 / (1 - p); `mask` is filled with what each was multiplied by.

    Which are dropped is a hash of the seed and the place (S. Vigna's SplitMix64).
    """
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
    if rows.velocity.size:
        momentum_adagrad(rows.weight, rows.total, rows.velocity, ids, gradient, numbers.rate, numbers.decay, numbers.eps, numbers.momentum)
    else:
        inner_adagrad(rows.weight, rows.total, ids, gradient, numbers.rate, numbers.decay, numbers.eps)


@njit(cache=True, nogil=True)
def linear(left: Array, rows: int, weight: Array, bias: Array, columns: Array, across: Array, out: Array) -> None:
    """out[:rows] = left weight^T + bias, through the transposes `columns` of left and `across` of the product."""
    turned(left, rows, weight.shape[1], columns)
    multiply(weight, columns[: weight.shape[1], : -(-rows // LANES) * LANES], across[:, : -(-rows // LANES) * LANES])
    for r in range(rows):
        for c in range(len(weight)):
            out[r, c] = across[c, r] + bias[0, c]


@njit(cache=True, nogil=True)
def mini_batches(
    start: int,
    stop: int,
    batches: Batches,
    uniform: Array,
    seeds: Array,
    dropout: Array,
    sample: Sample,
    items: Rows,
    biases: Rows,
    read: Rows,
    read_slot: Array,
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
        uniform: float32 [stop - start, N] what the samples are drawn by.
        seeds: uint64 [stop - start, L + 1] of the dropout of what is read, and of each of the L layers.
        dropout: float32 [L + 1] its probabilities.
        sample: how items are drawn and counted.
        items, biases: what items are scored by, [n, D] and [n, 1].
        read: the vectors that items are read by, [n, I]; where `shared`, `items`.
        read_slot: int32 [n] scratch, -1 everywhere between calls.
        shared: whether items are read by the vectors that they are scored by.
        cells: the layers, a tuple of `Cell`.
        states: float32 [B, D] of each layer, carried from call to call.
        ids: int64, 0, 1, 2, ... for the longest weight.
        numbers: scalars.
    """
    layers, most, drawn = len(cells), numbers.batch_size, uniform.shape[1]
    depth, wide = items.weight.shape[1], 0
    for cell in cells:
        wide = max(wide, len(cell.weight_ih.weight), cell.weight_ih.weight.shape[1])
    padded, across_rows = (wide + LANES - 1) // LANES * LANES, (most + LANES - 1) // LANES * LANES
    columns, across = np.zeros((wide, across_rows), np.float32), np.zeros((wide, across_rows), np.float32)
    query_columns = np.zeros((depth, across_rows), np.float32)
    chosen, right, own = np.empty(most + drawn, np.int64), np.empty(most, np.int64), np.empty(most, np.float32)
    times, weight = np.empty(most + drawn, np.float32), np.empty(most + drawn, np.float32)
    picked, losses = np.empty(drawn, np.int64), np.empty(most, np.float32)
    depth_padded = (depth + LANES - 1) // LANES * LANES
    vectors = np.zeros((most + drawn, depth_padded), np.float32)
    gradients = np.zeros((2 * most + drawn, depth_padded), np.float32)
    touched = np.empty(2 * most + drawn, np.int64)
    for_query, query = np.zeros((most, depth_padded), np.float32), np.zeros((most, depth_padded), np.float32)
    totals, bias = np.empty(most + drawn, np.float32), np.empty(most + drawn, np.float32)
    candidates_padded = (most + drawn + LANES - 1) // LANES * LANES
    flat, flat_across = np.empty(most * candidates_padded, np.float32), np.zeros((most + drawn, across_rows), np.float32)
    scratch = np.empty(2 * (most + drawn), np.float32)
    read_width = read.weight.shape[1]
    read_ids, read_gradients = np.empty(most, np.int64), np.zeros((most, read_width), np.float32)
    whole = 0.0
    for m in range(start, stop):
        low, high = batches.offsets[m], batches.offsets[m + 1]
        b = high - low
        lanes = (b + LANES - 1) // LANES * LANES
        for level in range(layers):
            state = states[level]
            for i in range(b):
                if batches.fresh[low + i]:
                    state[i] = 0
                elif batches.kept[low + i] != i:
                    state[i] = state[batches.kept[low + i]]
        # what is read
        inputs, masks = [np.zeros((b, padded), np.float32)], [np.empty((b, read_width), np.float32)]
        for i in range(b):
            for d in range(read_width):
                inputs[0][i, d] = read.weight[batches.items[low + i], d]
        if dropout[0] > 0:
            drop(inputs[0], b, read_width, seeds[m - start, 0], dropout[0], masks[0])
        # the layers
        gates, middles, from_states, earlier = (
            [np.empty((0, 0), np.float32)],
            [np.empty((0, 0), np.float32)],
            [np.empty((0, 0), np.float32)],
            [np.empty((0, 0), np.float32)],
        )
        for level in range(layers):
            cell, state = cells[level], states[level]
            own_width = cell.weight_hh.weight.shape[1]
            from_input, from_state = np.empty((b, 3 * own_width), np.float32), np.empty((b, 3 * own_width), np.float32)
            linear(inputs[level], b, cell.weight_ih.weight, cell.bias_ih.weight, columns, across[: 3 * own_width], from_input)
            linear(state, b, cell.weight_hh.weight, cell.bias_hh.weight, columns, across[: 3 * own_width], from_state)
            gate, middle, after = (
                np.empty((b, 2 * own_width), np.float32),
                np.empty((b, own_width), np.float32),
                np.empty((b, own_width), np.float32),
            )
            open_gates(from_input, from_state, gate, middle)
            for i in range(b):
                for d in range(own_width):
                    middle[i, d] = tanh(middle[i, d])
            mix(gate, middle, state[:b], after)
            old = np.zeros((b, padded), np.float32)
            for i in range(b):
                for d in range(own_width):
                    old[i, d] = state[i, d]
            mask = np.empty((b, own_width), np.float32)
            if dropout[level + 1] > 0:
                drop(after, b, own_width, seeds[m - start, level + 1], dropout[level + 1], mask)
            out = np.zeros((b, padded), np.float32)
            for i in range(b):
                for d in range(own_width):
                    state[i, d] = after[i, d]
                    out[i, d] = after[i, d]
            gates.append(gate)
            middles.append(middle)
            from_states.append(from_state)
            earlier.append(old)
            inputs.append(out)
            masks.append(mask)
        # the candidates and their scores
        search(sample.upper, sample.first, uniform[m - start], picked)
        boundary = most if numbers.full_boundary else b
        count = distinct(
            batches.target[low:high],
            picked,
            sample.target_weight,
            sample.sample_weight,
            boundary,
            sample.slot,
            chosen,
            right,
            times,
            weight,
            own,
        )
        for c in range(count):
            bias[c] = biases.weight[chosen[c], 0]
            for d in range(depth):
                vectors[c, d] = items.weight[chosen[c], d]
        turned(inputs[layers], b, depth, query_columns)
        multiply(vectors[:count, :depth], query_columns[:, :lanes], flat_across[:count, :lanes])
        scores = flat[: b * count].reshape((b, count))
        for c0 in range(0, count, 16):
            for i in range(b):
                for c in range(c0, min(c0 + 16, count)):
                    scores[i, c] = flat_across[c, i]
        if numbers.softmax:
            cross_entropy(scores, bias[:count], right[:b], weight[:count], own[:b], losses[:b], totals[:count])
        else:
            bpr_max(
                scores,
                bias[:count],
                right[:b],
                times[:count],
                losses[:b],
                totals[:count],
                scratch[: 2 * count].reshape((2, count)),
                numbers.bpreg,
                numbers.elu,
            )
        scale, loss = ONE / np.float32(most), 0.0
        for i in range(b):
            loss += losses[i]
        whole += loss / most
        # back to the candidates and the query
        multiply(scores, vectors[:count], for_query[:b])
        for i in range(b):
            for d in range(depth):
                query[i, d] = inputs[layers][i, d] * scale
        multiply(scores.T, query[:b], gradients[:count])
        for_biases = np.empty((count, 1), np.float32)
        for c in range(count):
            for_biases[c, 0] = totals[c] * scale
            touched[c] = chosen[c]
        # back through the layers
        gradient = np.empty((b, depth), np.float32)
        for i in range(b):
            for d in range(depth):
                gradient[i, d] = for_query[i, d] * scale
        for back in range(layers):
            level = layers - 1 - back
            cell = cells[level]
            own_width, below = cell.weight_hh.weight.shape[1], cell.weight_ih.weight.shape[1]
            if dropout[level + 1] > 0:
                for i in range(b):
                    for d in range(own_width):
                        gradient[i, d] *= masks[level + 1][i, d]
            for_input, for_state = np.empty((b, 3 * own_width), np.float32), np.empty((b, 3 * own_width), np.float32)
            carried, for_bias_ih, for_bias_hh = (
                np.empty((b, own_width), np.float32),
                np.empty((1, 3 * own_width), np.float32),
                np.empty((1, 3 * own_width), np.float32),
            )
            old = np.empty((b, own_width), np.float32)
            for i in range(b):
                for d in range(own_width):
                    old[i, d] = earlier[level + 1][i, d]
            backward(
                gradient,
                gates[level + 1],
                middles[level + 1],
                from_states[level + 1],
                old,
                for_input,
                for_state,
                carried,
                for_bias_ih[0],
                for_bias_hh[0],
            )
            for_weight_ih = np.empty((3 * own_width, (below + LANES - 1) // LANES * LANES), np.float32)
            for_weight_hh = np.empty((3 * own_width, (own_width + LANES - 1) // LANES * LANES), np.float32)
            multiply(for_input.T, inputs[level][:, : for_weight_ih.shape[1]], for_weight_ih)
            multiply(for_state.T, earlier[level + 1][:, : for_weight_hh.shape[1]], for_weight_hh)
            turned(for_input, b, 3 * own_width, across)
            multiply(cell.weight_ih.weight.T, across[: 3 * own_width, :lanes], columns[:below, :lanes])
            gradient = np.empty((b, below), np.float32)
            for i in range(b):
                for d in range(below):
                    gradient[i, d] = columns[d, i]
            update(cell.weight_ih, ids[: 3 * own_width], for_weight_ih, numbers)
            update(cell.weight_hh, ids[: 3 * own_width], for_weight_hh, numbers)
            update(cell.bias_ih, ids[:1], for_bias_ih, numbers)
            update(cell.bias_hh, ids[:1], for_bias_hh, numbers)
        if dropout[0] > 0:
            for i in range(b):
                for d in range(read_width):
                    gradient[i, d] *= masks[0][i, d]
        # what was read
        if shared:
            rows = count
            for c in range(count):
                read_slot[chosen[c]] = c
            for i in range(b):
                item = batches.items[low + i]
                place = read_slot[item]
                if place < 0:
                    read_slot[item], touched[rows] = rows, item
                    gradients[rows, :depth] = gradient[i]
                    rows += 1
                else:
                    for d in range(depth):
                        gradients[place, d] += gradient[i, d]
            for r in range(rows):
                read_slot[touched[r]] = -1
            update(items, touched[:rows], gradients, numbers)
        else:
            rows = 0
            for i in range(b):
                item = batches.items[low + i]
                place = read_slot[item]
                if place < 0:
                    read_slot[item], read_ids[rows] = rows, item
                    read_gradients[rows] = gradient[i]
                    rows += 1
                else:
                    for d in range(read_width):
                        read_gradients[place, d] += gradient[i, d]
            for r in range(rows):
                read_slot[read_ids[r]] = -1
            update(read, read_ids[:rows], read_gradients, numbers)
            update(items, touched[:count], gradients, numbers)
        update(biases, touched[:count], for_biases, numbers)
    return whole
