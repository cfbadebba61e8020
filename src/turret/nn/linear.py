"""The linear layer, by the fastest exact product that torch has for a CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

LEAST = 1 << 22
"""Multiplications from which the way round torch's default pays."""


class Linear(nn.Linear):
    """x W^T + b, as `torch.nn.Linear`.

    For float32 on a CPU torch multiplies with MKL, which on processors of other makers reaches half of what oneDNN does, which torch
    carries too (`docs/decisions/0020-products-on-a-cpu.md`). Large products therefore go to oneDNN, in float32 as well.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[*S, D] -> [*S, H]."""
        large = input.numel() * self.out_features >= LEAST
        if not large or input.device.type != "cpu" or input.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            return super().forward(input)
        product: Tensor = _Product.apply(input.flatten(0, -2), self.weight, self.bias)  # type: ignore[no-untyped-call]
        return product.view(*input.shape[:-1], self.out_features)


def multiply(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b by oneDNN: [B, D], [H, D], [H] -> [B, H], float32 on a CPU, in any strides."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


class _Product(torch.autograd.Function):
    """`multiply`, and its gradients by the same means."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.biased = bias is not None
        return multiply(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        return (
            multiply(gradient, weight.T) if ctx.needs_input_grad[0] else None,
            multiply(gradient.T, x.T) if ctx.needs_input_grad[1] else None,
            gradient.sum(dim=0) if ctx.biased else None,
        )
