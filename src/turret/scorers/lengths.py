"""Inner products of queries with their candidates, and the candidates' squared lengths: what cosines and distances are made of."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from turret.scorers.dot import by_rows


def square(vectors: Tensor) -> Tensor:
    """|v|^2: [*S, D] -> [*S]."""
    return (vectors * vectors).sum(dim=-1)


def pairs_and_squares(query: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
    """<q, i> and |i|^2: [Q, D], [Q, C, D] -> [Q, C] each, on a CPU in one pass over the candidates."""
    if query.device.type == "cpu":
        products, squares = _PairsAndSquares.apply(query, items)  # type: ignore[no-untyped-call]
        return products, squares
    return torch.bmm(items, query.unsqueeze(2)).squeeze(2), square(items)


class _PairsAndSquares(torch.autograd.Function):
    """`pairs_and_squares` by compiled kernels."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        from turret.kernels import dot as kernels

        ctx.save_for_backward(query, items)
        products, squares = query.new_empty(items.shape[:2]), query.new_empty(items.shape[:2])
        by_rows(kernels.pairs_and_squares, query, items, products, squares)
        return products, squares

    @staticmethod
    def backward(ctx: Any, of_products: Tensor, of_squares: Tensor) -> tuple[Tensor, Tensor]:
        from turret.kernels import dot as kernels

        query, items = ctx.saved_tensors
        for_query, for_items = torch.empty_like(query), torch.empty_like(items)
        by_rows(kernels.pairs_and_squares_backward, query, items, of_products, of_squares, for_query, for_items)
        return for_query, for_items
