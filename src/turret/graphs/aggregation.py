"""Sums of neighbours' vectors with weights that a model computes: a sparse matrix times vectors, differentiable in both.

    sums(a, x)_h       = sum over the edges e of head h of  a_e x_tail(e)
    transposed(a, y)_t = sum over the edges e of tail t of  a_e y_head(e)
    products(y, x)_e   = <y_head(e), x_tail(e)>

The gradients of each of the three are the other two, so that they can be differentiated as often as is wanted. Sums are weighted
`embedding_bag`s over edges in the order of their heads, or of their tails, and nothing ever scatters; products gather vectors by the block.
`graphs.propagation` is for weights that stay as they are. E edges, H heads, T tails, D width.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BLOCK = 1 << 14
"""Edges whose vectors are gathered at a time, so that [E, D] never exists; at width 64 a block stays in the cache."""


class Aggregation(nn.Module):
    """The edges, in both orders.

    Args:
        offsets: int64 [H + 1]; the edges of head h are offsets[h] to offsets[h + 1].
        tails: int64 [E] where each edge leads.
        n_tails: T.
    """

    offsets: Tensor
    heads: Tensor
    tails: Tensor
    by_tail: Tensor
    tail_offsets: Tensor
    heads_by_tail: Tensor

    def __init__(self, offsets: Tensor, tails: Tensor, n_tails: int) -> None:
        super().__init__()
        heads = torch.arange(len(offsets) - 1, device=offsets.device).repeat_interleave(offsets.diff())
        by_tail = tails.argsort(stable=True)
        tail_offsets = F.pad(tails.bincount(minlength=n_tails).cumsum(dim=0), (1, 0))
        narrow = {"offsets": offsets, "heads": heads, "tails": tails, "tail_offsets": tail_offsets, "heads_by_tail": heads[by_tail]}
        for name, part in narrow.items():
            self.register_buffer(name, part.int(), persistent=False)
        self.register_buffer("by_tail", by_tail, persistent=False)

    def sums(self, values: Tensor, vectors: Tensor) -> Tensor:
        """float [E] in the order of the heads, [T, D] -> [H, D]; zeros for a head without edges."""
        result: Tensor = _Sums.apply(values, vectors, self)  # type: ignore[no-untyped-call]
        return result

    def transposed(self, values: Tensor, vectors: Tensor) -> Tensor:
        """float [E] in the order of the heads, [H, D] -> [T, D]; zeros for a tail without edges."""
        result: Tensor = _Transposed.apply(values, vectors, self)  # type: ignore[no-untyped-call]
        return result

    def products(self, head_vectors: Tensor, tail_vectors: Tensor) -> Tensor:
        """float [H, D], [T, D] -> [E], in the order of the heads."""
        result: Tensor = _Products.apply(head_vectors, tail_vectors, self)  # type: ignore[no-untyped-call]
        return result


def _bags(ids: Tensor, vectors: Tensor, offsets: Tensor, values: Tensor) -> Tensor:
    return F.embedding_bag(ids, vectors.detach(), offsets, mode="sum", per_sample_weights=values.detach(), include_last_offset=True)


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, vectors: Tensor, edges: Aggregation) -> Tensor:
        ctx.edges = edges
        ctx.save_for_backward(values, vectors)
        return _bags(edges.tails, vectors, edges.offsets, values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        (values, vectors), gradient = ctx.saved_tensors, gradients[0].contiguous()
        return ctx.edges.products(gradient, vectors), ctx.edges.transposed(values, gradient), None


class _Transposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, vectors: Tensor, edges: Aggregation) -> Tensor:
        ctx.edges = edges
        ctx.save_for_backward(values, vectors)
        return _bags(edges.heads_by_tail, vectors, edges.tail_offsets, values.index_select(0, edges.by_tail))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        (values, vectors), gradient = ctx.saved_tensors, gradients[0].contiguous()
        return ctx.edges.products(vectors, gradient), ctx.edges.sums(values, gradient), None


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, head_vectors: Tensor, tail_vectors: Tensor, edges: Aggregation) -> Tensor:
        ctx.edges = edges
        ctx.save_for_backward(head_vectors, tail_vectors)
        blocks = zip(torch.split(edges.heads, BLOCK), torch.split(edges.tails, BLOCK), strict=True)
        return torch.cat([torch.linalg.vecdot(head_vectors.index_select(0, h), tail_vectors.index_select(0, t)) for h, t in blocks])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        (head_vectors, tail_vectors), gradient = ctx.saved_tensors, gradients[0].contiguous()
        return ctx.edges.sums(gradient, tail_vectors), ctx.edges.transposed(gradient, head_vectors), None
