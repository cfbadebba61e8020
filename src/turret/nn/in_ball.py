"""Vectors no longer than 1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from turret.core.contracts import Lookup
from turret.kernels.parallel import over_rows

ROWS = 4096
"""Rows that are worth a thread's while."""


class InBall:
    """A table whose vectors are drawn back to the unit ball where they are read: v / max(1, |v|).

    Args:
        table: of vectors of any length.
    """

    def __init__(self, table: Lookup) -> None:
        self.table = table

    def __getitem__(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D]."""
        return _drawn_back(self.table[ids])

    def dense(self) -> Tensor:
        """[n, D]."""
        return _drawn_back(self.table.dense())

    def free(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D]: the vectors as they are held."""
        return self.table.free(ids)


def _drawn_back(vectors: Tensor) -> Tensor:
    if vectors.device.type == "cpu":
        shortened: Tensor = _Shortened.apply(vectors.flatten(0, -2)).view_as(vectors)  # type: ignore[no-untyped-call]
        return shortened
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / length.clamp(min=1)


class _Shortened(torch.autograd.Function):
    """[n, D] -> [n, D] by compiled kernels, rows divided among threads."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor) -> Tensor:
        from turret.kernels import ball as kernels

        shortened, scale = torch.empty_like(vectors), vectors.new_empty(len(vectors))
        v, s, f = vectors.detach().numpy(), shortened.numpy(), scale.numpy()
        over_rows(lambda start, stop: kernels.shorten(v[start:stop], s[start:stop], f[start:stop]), len(v), ROWS)
        ctx.save_for_backward(shortened, scale)
        return shortened

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        from turret.kernels import ball as kernels

        shortened, scale = ctx.saved_tensors
        out = torch.empty_like(shortened)
        arrays = [tensor.detach().numpy() for tensor in (shortened, scale, gradient, out)]
        over_rows(lambda start, stop: kernels.shorten_backward(*(array[start:stop] for array in arrays)), len(out), ROWS)
        return out
