"""Cross-entropy over the whole catalogue.

    loss = - sum over targets t of  weight_t * log softmax(scores of query rows_t)[target_t]
         = sum over queries q of  mass_q * logsumexp(scores_q)  -  sum over targets t of  weight_t * score(rows_t, target_t)

with mass_q the summed weights of query q's targets, so that each query pays for its normaliser once however many right answers it has.
Shapes: Q queries, I items, T targets, D width.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

ROWS = 128
"""Queries whose scores are held at once: enough to keep the matrix products busy."""

SCORES = 2**24
"""Scores held at once, at most (64 MB of float32): of very large catalogues fewer than `ROWS` queries are taken together."""


def softmax_cross_entropy(scores: Tensor, target: Tensor, rows: Tensor | None = None, weight: Tensor | None = None) -> Tensor:
    """The sum over targets of -weight * log softmax(scores[row])[target].

    Args:
        scores: float [Q, I].
        target: int64 [T].
        rows: int64 [T] the query of each target; None where target t belongs to query t.
        weight: float [T], or None where all count alike.

    Returns:
        A scalar.
    """
    rows = torch.arange(len(target), device=target.device) if rows is None else rows
    weight = scores.new_ones(len(target)) if weight is None else weight
    return (weight * (scores.logsumexp(dim=1)[rows] - scores[rows, target])).sum()


def dot_softmax_cross_entropy(
    query: Tensor, items: Tensor, target: Tensor, rows: Tensor | None = None, weight: Tensor | None = None
) -> Tensor:
    """`softmax_cross_entropy(query @ items.T, ...)`, of which only a few rows of the scores ever exist.

    The gradient of the normalisers is computed together with their value, chunk by chunk, and kept for the backward pass: memory for
    O(I D + Q D) numbers beside one chunk, instead of O(Q I), and no second pass over the scores.

    Args:
        query: float [Q, D].
        items: float [I, D].
        target: int64 [T].
        rows: int64 [T] the query of each target; None where target t belongs to query t.
        weight: float [T], or None where all count alike. It is a constant: no gradient flows to it.

    Returns:
        A scalar, differentiable once with respect to `query` and `items`.
    """
    weight = query.new_ones(len(target)) if weight is None else weight.detach().to(query.dtype)
    if rows is None:
        mass, right = weight, weight[:, None] * items[target]
    else:
        # One vector a query, not one a target: the summed vectors of all its right answers.
        mass, counts, order = query.new_zeros(len(query)).index_add(0, rows, weight), rows.bincount(minlength=len(query)), rows.argsort()
        starts = counts.cumsum(0) - counts
        right = F.embedding_bag(target[order], items, starts, mode="sum", per_sample_weights=weight[order])
    normalisers: Tensor = DotNormaliser.apply(query, items, mass)  # type: ignore[no-untyped-call]
    return normalisers - (query * right).sum()


class DotNormaliser(torch.autograd.Function):
    """sum_q mass_q * logsumexp(<query_q, item_i> over i), with its gradient computed in the forward pass."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, items: Tensor, mass: Tensor) -> Tensor:
        """[Q, D], [I, D], [Q] -> scalar."""
        total = query.new_zeros(())
        query_grad, item_grad = torch.empty_like(query), torch.zeros_like(items)
        chunk = max(1, min(ROWS, SCORES // len(items)))
        buffer = query.new_empty(min(chunk, len(query)), len(items))
        for rows, share, grad in zip(torch.split(query, chunk), torch.split(mass, chunk), torch.split(query_grad, chunk), strict=True):
            scores = torch.mm(rows, items.T, out=buffer[: len(rows)])
            highest = scores.amax(dim=1)
            shares = scores.sub_(highest[:, None]).exp_()
            normaliser = shares.sum(dim=1)
            total += (share * (highest + normaliser.log())).sum()
            if any(ctx.needs_input_grad):
                # The division that makes softmax of `shares` is left to the two thin matrices: the wide one is passed over once less.
                scale = (share / normaliser)[:, None]
                torch.mm(shares, items, out=grad).mul_(scale)
                item_grad.addmm_(shares.T, rows * scale)
        ctx.save_for_backward(query_grad, item_grad)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        """scalar -> [Q, D], [I, D]."""
        query_grad, item_grad = ctx.saved_tensors
        return grad * query_grad, grad * item_grad, None
