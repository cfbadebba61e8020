"""Inner product."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Dot:
    """score(q, i) = <q, i>."""

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [Q, C, D] -> [Q, C]."""
        if query.device.type == "cpu":
            scores: Tensor = _Pairs.apply(query, items)  # type: ignore[no-untyped-call]
            return scores
        return torch.bmm(items, query.unsqueeze(2)).squeeze(2)

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        """[Q, D], [I, D] -> [Q, I]."""
        return query @ items.T


class _Pairs(torch.autograd.Function):
    """`Dot.pairs` by compiled kernels, rows divided among threads."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, items: Tensor) -> Tensor:
        from turret.kernels import dot as kernels
        from turret.kernels.parallel import over_rows

        ctx.save_for_backward(query, items)
        scores = query.new_empty(items.shape[:2])
        q, i, s = query.detach().numpy(), items.detach().numpy(), scores.numpy()
        over_rows(lambda start, stop: kernels.pairs(q[start:stop], i[start:stop], s[start:stop]), len(q), _least(items))
        return scores

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        from turret.kernels import dot as kernels
        from turret.kernels.parallel import over_rows

        query, items = ctx.saved_tensors
        for_query, for_items = torch.empty_like(query), torch.empty_like(items)
        arrays = [tensor.detach().numpy() for tensor in (query, items, gradient, for_query, for_items)]
        over_rows(lambda start, stop: kernels.pairs_backward(*(array[start:stop] for array in arrays)), len(query), _least(items))
        return for_query, for_items


def _least(items: Tensor) -> int:
    """Rows that are worth a thread's while: about 2^18 numbers."""
    return max(1, 2**18 // max(1, items[0].numel())) if len(items) else 1
