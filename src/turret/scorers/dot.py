"""Inner product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from turret.kernels.parallel import over_rows


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

    def query_side(self, query: Tensor) -> Tensor:
        """[Q, D] -> [Q, D], as it is."""
        return query

    def item_side(self, items: Tensor) -> Tensor:
        """[*S, D] -> [*S, D], as they are."""
        return items


class _Pairs(torch.autograd.Function):
    """`Dot.pairs` by compiled kernels."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, items: Tensor) -> Tensor:
        from turret.kernels import dot as kernels

        ctx.save_for_backward(query, items)
        scores = query.new_empty(items.shape[:2])
        by_rows(kernels.pairs, query, items, scores)
        return scores

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        from turret.kernels import dot as kernels

        query, items = ctx.saved_tensors
        for_query, for_items = torch.empty_like(query), torch.empty_like(items)
        by_rows(kernels.pairs_backward, query, items, gradient, for_query, for_items)
        return for_query, for_items


def by_rows(kernel: Callable[..., object], query: Tensor, items: Tensor, *others: Tensor) -> None:
    """Calls a kernel on [Q, D], [Q, C, D] and others, all with a row a query; the rows are divided among threads."""
    arrays = [tensor.detach().numpy() for tensor in (query, items, *others)]
    # a thread is worth its while from about 2^18 numbers
    least = max(1, 2**18 // max(1, items[0].numel())) if len(items) else 1
    over_rows(lambda start, stop: kernel(*(array[start:stop] for array in arrays)), len(items), least)
