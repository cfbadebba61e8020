"""Sums and softmaxes over segments: values of edges that are sorted by their head, so that those of one head lie side by side.

A sum over segments and the handing out of one value to each member of a segment are each other's gradients, so that everything here can be
differentiated as often as is wanted, and nothing ever scatters. E values, S segments.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Segments(nn.Module):
    """S segments of E values that lie end to end.

    Args:
        offsets: int64 [S + 1]; segment s is offsets[s] to offsets[s + 1]. Segments may be empty.
    """

    offsets: Tensor
    member: Tensor

    def __init__(self, offsets: Tensor) -> None:
        super().__init__()
        self.register_buffer("offsets", offsets, persistent=False)
        owner = torch.arange(len(offsets) - 1, device=offsets.device)
        self.register_buffer("member", owner.repeat_interleave(offsets.diff()), persistent=False)

    def sum(self, values: Tensor) -> Tensor:
        """float [E] or [E, K] -> [S] or [S, K]; 0 of an empty segment."""
        result: Tensor = _Sum.apply(values, self)  # type: ignore[no-untyped-call]
        return result

    def spread(self, values: Tensor) -> Tensor:
        """float [S] or [S, K] -> [E] or [E, K]: to each member the value of its segment."""
        result: Tensor = _Spread.apply(values, self)  # type: ignore[no-untyped-call]
        return result

    def softmax(self, values: Tensor) -> Tensor:
        """float [E] or [E, K] -> the same: e^value / the sum of e^values in its segment, each column for itself."""
        largest = torch.segment_reduce(values.detach(), "max", offsets=self.offsets, axis=0, unsafe=True)
        powers = (values - largest.index_select(0, self.member)).exp()
        return powers / self.spread(self.sum(powers))


class _Sum(torch.autograd.Function):
    """Sums over segments; each member's gradient is that of its sum."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, segments: Segments) -> Tensor:
        ctx.segments = segments
        return torch.segment_reduce(values, "sum", offsets=segments.offsets, axis=0, unsafe=True)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.segments.spread(gradients[0]), None


class _Spread(torch.autograd.Function):
    """The reverse of `_Sum`."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, segments: Segments) -> Tensor:
        ctx.segments = segments
        return values.index_select(0, segments.member)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.segments.sum(gradients[0].contiguous()), None
