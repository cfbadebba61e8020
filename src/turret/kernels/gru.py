"""The elementwise part of a gated recurrent unit, forth and back, in one pass over memory each.

As `torch` operations the gates of a small batch are a dozen tiny operations forth and two dozen back, each of which costs more to call
than to compute. Matrix products are left to the caller.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.exp import exp, tanh

Array = npt.NDArray[Any]
ONE = np.float32(1)
VECTORS = {"contract", "reassoc", "nsz"}


@njit(cache=True, nogil=True, fastmath=VECTORS, error_model="numpy", forceinline=True)
def forward(from_input: Array, from_state: Array, state: Array, gates: Array, candidate: Array, after: Array) -> None:
    """gates = [r, z] = [sigmoid(i_r + s_r), sigmoid(i_z + s_z)], candidate = tanh(i_n + r s_n), after = (1 - z) candidate + z state.

    Args:
        from_input, from_state: float32 [b, 3D], the parts r, z, n side by side.
        state: float32 [b, D].
        gates: float32 [b, 2D], filled.
        candidate, after: float32 [b, D], filled.
    """
    width = candidate.shape[1]
    for b in range(len(candidate)):
        i, s, g, c, h, out = from_input[b], from_state[b], gates[b], candidate[b], state[b], after[b]
        for d in range(2 * width):
            g[d] = ONE / (ONE + exp(-(i[d] + s[d])))
        for d in range(width):
            c[d] = tanh(i[2 * width + d] + g[d] * s[2 * width + d])
            out[d] = (ONE - g[width + d]) * c[d] + g[width + d] * h[d]


@njit(cache=True, nogil=True, fastmath=VECTORS, error_model="numpy", forceinline=True)
def backward(
    gradient: Array,
    gates: Array,
    candidate: Array,
    from_state: Array,
    state: Array,
    for_input: Array,
    for_state: Array,
    carried: Array,
    for_bias_ih: Array,
    for_bias_hh: Array,
) -> None:
    """Fills in the gradients of both inputs [b, 3D], the one that reaches the state past the matrix product [b, D], and those of the biases
    [3D], the sums over rows of the first two."""
    width = candidate.shape[1]
    for d in range(3 * width):
        for_bias_ih[d] = for_bias_hh[d] = 0
    b_r, b_z, b_n = for_bias_ih[:width], for_bias_ih[width : 2 * width], for_bias_ih[2 * width :]
    b_s = for_bias_hh[2 * width :]
    for b in range(len(candidate)):
        out, r, z, n, s_n, h = gradient[b], gates[b, :width], gates[b, width:], candidate[b], from_state[b, 2 * width :], state[b]
        i_r, i_z, i_n = for_input[b, :width], for_input[b, width : 2 * width], for_input[b, 2 * width :]
        s_r, s_z, s_c = for_state[b, :width], for_state[b, width : 2 * width], for_state[b, 2 * width :]
        past = carried[b]
        for d in range(width):
            to_n = out[d] * (ONE - z[d]) * (ONE - n[d] * n[d])
            to_r = to_n * s_n[d] * r[d] * (ONE - r[d])
            to_z = out[d] * (h[d] - n[d]) * z[d] * (ONE - z[d])
            i_r[d], i_z[d], i_n[d] = to_r, to_z, to_n
            s_r[d], s_z[d], s_c[d] = to_r, to_z, to_n * r[d]
            past[d] = out[d] * z[d]
            b_r[d] += to_r
            b_z[d] += to_z
            b_n[d] += to_n
            b_s[d] += to_n * r[d]
    for d in range(2 * width):
        for_bias_hh[d] = for_bias_ih[d]
