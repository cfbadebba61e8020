"""Filling the second triangle of what LAPACK left in the first."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]
TILE = 64


@njit(cache=True, nogil=True)
def divided_by_diagonal(start: int, stop: int, matrix: Array, diagonal: Array, out: Array) -> None:
    """out_ij = -P_ij / P_jj off the diagonal and 0 on it, for a symmetric P of which `matrix` [I, I] holds the lower triangle and
    `diagonal` [I] the diagonal. `out` [I, I] may be `matrix`. Works on the rows of tiles start..stop-1, and on their mirror images."""
    n = len(diagonal)
    for above in range(start, stop):
        for beside in range(above + 1):
            for i in range(above * TILE, min((above + 1) * TILE, n)):
                for j in range(beside * TILE, min((beside + 1) * TILE, i)):
                    value = matrix[i, j]
                    out[i, j] = -value / diagonal[j]
                    out[j, i] = -value / diagonal[i]
    for i in range(start * TILE, min(stop * TILE, n)):
        out[i, i] = 0
