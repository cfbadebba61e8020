"""Gradient clipping that also takes the sparse gradients of tables."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


@torch.no_grad()
def clip_norm(parameters: Sequence[Tensor], limit: float) -> None:
    """Scales all gradients down together so that their norm is at most `limit` (Pascanu et al. 2013, algorithm 1).

    The duplicates of a sparse gradient are summed first: it is the norm of the gradient that counts, not of its pieces.
    """
    values = []
    for parameter in parameters:
        if parameter.grad is not None:
            if parameter.grad.is_sparse:
                parameter.grad = parameter.grad.coalesce()
            values.append(parameter.grad.values() if parameter.grad.is_sparse else parameter.grad)
    if values:
        norm = torch.stack([value.norm() for value in values]).norm()
        for value in values:
            value.mul_((limit / (norm + 1e-6)).clamp(max=1))
