"""Propagation over a graph: a constant sparse matrix times vectors, differentiable in the vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from turret.core.interactions import FloatArray, IntArray

Csr = tuple[Tensor, Tensor, Tensor]
"""int32 offsets [R + 1], int32 columns [E], float32 values [E]."""


class Propagation(nn.Module):
    """M [R, C] with E entries and its transpose, both compressed by row, so that no product ever scatters.

    The gradient of M x is the transpose times the gradient of the output: the same kind of product as forward, where a general sparse
    library sorts or scatters. Each product is one weighted `embedding_bag` (a bag for each row, an entry's value its weight), for which
    torch has a vectorised kernel on every device; `bench/propagation.py` measures it against the alternatives.

    The entries are buffers: they move with the model, but are not saved with it, since whoever builds the model again builds them again.

    Args:
        forward: M, compressed by row; `from_entries` and `graphs.edges` make it.
        backward: its transpose, compressed likewise.
    """

    def __init__(self, forward: Csr, backward: Csr) -> None:
        super().__init__()
        self.shape = len(forward[0]) - 1, len(backward[0]) - 1
        for direction, parts in (("forward", forward), ("backward", backward)):
            for name, part in zip(("offsets", "columns", "values"), parts, strict=True):
                self.register_buffer(f"{direction}_{name}", part, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """M x: float32 [C, D] -> [R, D]."""
        return _product(x, self._csr("forward"), self._csr("backward"))

    def transposed(self, x: Tensor) -> Tensor:
        """M^T x: float32 [R, D] -> [C, D]."""
        return _product(x, self._csr("backward"), self._csr("forward"))

    def _csr(self, direction: str) -> Csr:
        return (
            self.get_buffer(f"{direction}_offsets"),
            self.get_buffer(f"{direction}_columns"),
            self.get_buffer(f"{direction}_values"),
        )


def from_entries(rows: IntArray, columns: IntArray, values: FloatArray, shape: tuple[int, int]) -> Propagation:
    """The propagation with given entries.

    Args:
        rows, columns: int [E] where the entries are; an entry given twice is added.
        values: float [E].
        shape: R, C.

    Raises:
        ValueError: they are more than 32 bits can number.
    """
    if max(len(rows), *shape) > np.iinfo(np.int32).max:
        raise ValueError(f"a matrix of shape {shape} with {len(rows)} entries needs more than 32-bit indices")
    return Propagation(_compress(rows, columns, values, shape[0]), _compress(columns, rows, values, shape[1]))


def _compress(rows: IntArray, columns: IntArray, values: FloatArray, n_rows: int) -> Csr:
    order = np.lexsort((columns, rows))
    offsets = np.zeros(n_rows + 1, dtype=np.int32)
    np.cumsum(np.bincount(rows, minlength=n_rows), out=offsets[1:])
    return (
        torch.from_numpy(offsets),
        torch.from_numpy(columns[order].astype(np.int32)),
        torch.from_numpy(values[order].astype(np.float32)),
    )


class _Product(torch.autograd.Function):
    """A product whose gradient is the product with the other of two matrices that are each other's transpose."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Csr, transpose: Csr) -> Tensor:
        ctx.matrix, ctx.transpose = matrix, transpose
        offsets, columns, values = matrix
        # Detached, or embedding_bag would also make what its own, scattering backward pass needs.
        return F.embedding_bag(columns, x.detach(), offsets, mode="sum", per_sample_weights=values.to(x.dtype), include_last_offset=True)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _product(gradients[0].contiguous(), ctx.transpose, ctx.matrix), None, None


def _product(x: Tensor, matrix: Csr, transpose: Csr) -> Tensor:
    result: Tensor = _Product.apply(x, matrix, transpose)  # type: ignore[no-untyped-call]
    return result
