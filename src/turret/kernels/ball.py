"""Vectors drawn back to the unit ball, and the gradient of that, in one pass over memory each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def shorten(vectors: Array, shortened: Array, scale: Array) -> None:
    """shortened[n] = scale[n] vectors[n] with scale[n] = min(1, 1 / |vectors[n]|), for [n, D], [n, D] and [n]."""
    for n in range(len(vectors)):
        vector, out = vectors[n], shortened[n]
        square = vectors.dtype.type(0)
        for d in range(len(vector)):
            square += vector[d] * vector[d]
        scale[n] = 1 if square <= 1 else 1 / np.sqrt(square)
        for d in range(len(vector)):
            out[d] = scale[n] * vector[d]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def shorten_backward(shortened: Array, scale: Array, gradient: Array, out: Array) -> None:
    """out[n] = gradient[n] for a vector that was left alone; of one that was not, what turns it, at its scale."""
    for n in range(len(shortened)):
        vector, g, into = shortened[n], gradient[n], out[n]
        along = shortened.dtype.type(0)
        if scale[n] < 1:
            for d in range(len(vector)):
                along += g[d] * vector[d]
        for d in range(len(vector)):
            into[d] = scale[n] * (g[d] - along * vector[d])
