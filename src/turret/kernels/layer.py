"""A layer of gated recurrent units, forth and back with its update, its matrix products among it.

Letters: b rows, D width of the layer, I width of its input. Arrays that `gemm` reads or writes by whole vectors are padded: their last
dimension is `width(n)`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.apart import apart
from turret.kernels.gemm import multiply, width
from turret.kernels.gru import backward, forward
from turret.kernels.rows import Rate, Rows, update

Array = npt.NDArray[Any]
ONE = np.float32(1)


class Cell(NamedTuple):
    """A layer: weights [3D, I] and [3D, D], biases [1, 3D]."""

    weight_ih: Rows
    weight_hh: Rows
    bias_ih: Rows
    bias_hh: Rows


@njit(cache=True, nogil=True, forceinline=False)
def turned(source: Array, rows: int, columns: int, out: Array) -> None:
    """out[c, r] = source[r, c]."""
    apart()
    for r0 in range(0, rows, 8):
        for c in range(columns):
            for r in range(r0, min(r0 + 8, rows)):
                out[c, r] = source[r, c]


@njit(cache=True, nogil=True, forceinline=False)
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


@njit(cache=True, nogil=True, forceinline=False)
def linear(left: Array, weight: Array, bias: Array, columns: Array, across: Array, out: Array) -> None:
    """out = left weight^T + bias, for [b, >= I], [n, I], [1, n] and [b, n]; `columns` and `across` hold the transposes of left and out."""
    apart()
    rows, lanes = len(out), width(len(out))
    turned(left, rows, weight.shape[1], columns)
    multiply(weight, columns[: weight.shape[1], :lanes], across[: len(weight), :lanes])
    for r in range(rows):
        for c in range(len(weight)):
            out[r, c] = across[c, r] + bias[0, c]


@njit(cache=True, nogil=True)
def copied(source: Array, rows: int, columns: int) -> Array:
    """The first rows and columns, padded with zeros."""
    out = np.zeros((rows, width(columns)), np.float32)
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


@njit(cache=True, nogil=True, forceinline=True)
def forth(x: Array, state: Array, cell: Cell, seed: np.uint64, p: np.float32, columns: Array, across: Array) -> tuple[Passed, Array]:
    """A layer: changes `state` [>= b, D] to its output, which is also returned, [b, padded]."""
    b, size = len(x), state.shape[1]
    from_input, from_state = np.empty((b, 3 * size), np.float32), np.empty((b, 3 * size), np.float32)
    linear(x, cell.weight_ih.weight, cell.bias_ih.weight, columns, across, from_input)
    linear(state, cell.weight_hh.weight, cell.bias_hh.weight, columns, across, from_state)
    gates, candidate, after = np.empty((b, 2 * size), np.float32), np.empty((b, size), np.float32), np.empty((b, size), np.float32)
    forward(from_input, from_state, state, gates, candidate, after)
    h, mask = copied(state, b, size), np.empty((b, size), np.float32)
    if p > 0:
        drop(after, b, size, seed, p, mask)
    for i in range(b):
        for d in range(size):
            state[i, d] = after[i, d]
    return Passed(x, h, gates, candidate, from_state, mask), copied(after, b, size)


@njit(cache=True, nogil=True, forceinline=True)
def back(gradient: Array, cell: Cell, passed: Passed, p: np.float32, columns: Array, across: Array, ids: Array, rate: Rate) -> Array:
    """From the gradient of a layer's output [b, D], which is changed, to that of its input [b, I]; updates the layer."""
    b, size = gradient.shape
    if p > 0:
        for i in range(b):
            for d in range(size):
                gradient[i, d] *= passed.mask[i, d]
    for_input, for_state = np.empty((b, 3 * size), np.float32), np.empty((b, 3 * size), np.float32)
    for_bias_ih, for_bias_hh = np.empty((1, 3 * size), np.float32), np.empty((1, 3 * size), np.float32)
    carried = np.empty((b, size), np.float32)
    before = passed.gates, passed.candidate, passed.from_state, passed.h
    backward(gradient, before[0], before[1], before[2], before[3], for_input, for_state, carried, for_bias_ih[0], for_bias_hh[0])
    for_weight_ih = np.empty((3 * size, passed.x.shape[1]), np.float32)
    for_weight_hh = np.empty((3 * size, passed.h.shape[1]), np.float32)
    multiply(for_input.T, passed.x, for_weight_ih)
    multiply(for_state.T, passed.h, for_weight_hh)
    below, lanes = cell.weight_ih.weight.shape[1], width(b)
    turned(for_input, b, 3 * size, across)
    multiply(cell.weight_ih.weight.T, across[: 3 * size, :lanes], columns[:below, :lanes])
    for_x = np.empty((b, below), np.float32)
    turned(columns, below, b, for_x)
    update(cell.weight_ih, ids[: 3 * size], for_weight_ih, rate)
    update(cell.weight_hh, ids[: 3 * size], for_weight_hh, rate)
    update(cell.bias_ih, ids[:1], for_bias_ih, rate)
    update(cell.bias_hh, ids[:1], for_bias_hh, rate)
    return for_x
