"""Gradient clipping that also takes the sparse gradients of tables."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from turret.training.optimizers.touched import Touched


class Clip:
    """Scales all gradients down together so that their norm is at most `limit` (Pascanu et al. 2013, algorithm 1).

    The duplicates of a sparse gradient are summed first: it is the norm of the gradient that counts, not of its pieces.

    Args:
        limit: the largest norm.
    """

    def __init__(self, limit: float) -> None:
        self.limit, self._touched = limit, Touched()

    @torch.no_grad()
    def __call__(self, parameters: Sequence[Tensor]) -> None:
        """Scales the gradients of `parameters` in place."""
        values = []
        for parameter in parameters:
            if parameter.grad is not None:
                if parameter.grad.is_sparse:
                    parameter.grad = self._summed(parameter.grad)
                values.append(parameter.grad._values() if parameter.grad.is_sparse else parameter.grad)
        if values:
            norm = torch.stack([value.norm() for value in values]).norm()
            for value in values:
                value.mul_((self.limit / (norm + 1e-6)).clamp(max=1))

    def _summed(self, gradient: Tensor) -> Tensor:
        """The same gradient, each row once."""
        if gradient.device.type != "cpu" or gradient.dtype != torch.float32:
            return gradient.coalesce()
        rows, sums = self._touched(gradient)
        return torch.sparse_coo_tensor(rows[None], sums, gradient.shape, is_coalesced=True, check_invariants=False)
