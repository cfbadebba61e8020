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

SCORES = 2**24
"""Scores held at once, at most (64 MB of float32), where no compiled loop takes fewer."""
KEPT = 2**21
"""So few scores (8 MB) stay in the cache: keeping them for the backward pass takes less time than computing them once more."""


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
    return -(weight * F.log_softmax(scores, dim=1)[rows, target]).sum()


def dot_softmax_cross_entropy(
    query: Tensor, items: Tensor, target: Tensor, rows: Tensor | None = None, weight: Tensor | None = None
) -> Tensor:
    """`softmax_cross_entropy(query @ items.T, ...)`, of which only so many scores ever exist as the cache holds.

    The normalisers are computed block by block of the catalogue, as a running maximum and a running sum; the backward pass computes the
    scores once more. A fourth product of the size of the scores takes less time than writing the scores to memory and reading them
    again does, and nothing of the size of `items` exists beside their gradient. `KEPT` scores or fewer are simply kept.

    Args:
        query: float [Q, D].
        items: float [I, D].
        target: int64 [T].
        rows: int64 [T] the query of each target; None where target t belongs to query t.
        weight: float [T], or None where all count alike. It is a constant: no gradient flows to it.

    Returns:
        A scalar, differentiable (once, on a CPU or where the scores are not kept) with respect to `query` and `items`.
    """
    weight = query.new_ones(len(target)) if weight is None else weight.detach().to(query.dtype)
    rows = torch.arange(len(target), device=target.device) if rows is None else rows
    few = len(query) * len(items) <= KEPT
    if few and not _compiled(query):
        return softmax_cross_entropy(query @ items.T, target, rows, weight)
    loss: Tensor = (KeptSoftmax if few else DotSoftmax).apply(query, items, target, rows, weight)  # type: ignore[no-untyped-call]
    return loss


def weighted_square(
    scores: Tensor,
    target: Tensor,
    rows: Tensor | None = None,
    weight: Tensor | None = None,
    *,
    positive_weight: float,
    negative_weight: float,
) -> Tensor:
    """The sum of c1 w_t (1 - s)^2 over the targets, and of c0 s^2 over all other items of every query.

    Y. Hu, Y. Koren, C. Volinsky. "Collaborative Filtering for Implicit Feedback Datasets." ICDM 2008, equation 3 without its L2 term, with
    the confidence c1 w_t of what was chosen and c0 of the rest.

    Args:
        scores: float [Q, I].
        target: int64 [T], the targets of a query all different.
        rows: int64 [T] the query of each target; None where target t belongs to query t.
        weight: float [T], or None where all count alike.
        positive_weight: c1.
        negative_weight: c0.

    Returns:
        A scalar.
    """
    rows = torch.arange(len(target), device=target.device) if rows is None else rows
    return _square_of_rest(scores.square().sum(), scores[rows, target], weight, positive_weight, negative_weight)


def dot_weighted_square(
    query: Tensor,
    items: Tensor,
    target: Tensor,
    rows: Tensor | None = None,
    weight: Tensor | None = None,
    *,
    positive_weight: float,
    negative_weight: float,
) -> Tensor:
    """`weighted_square(query @ items.T, ...)`, of which only the targets' scores ever exist.

    The sum of all squared scores is that of the products of query^T query and items^T items, element by element: O((Q + I) D^2).
    C. Chen, M. Zhang, Y. Zhang, Y. Liu, S. Ma. "Efficient Neural Matrix Factorization without Sampling for Recommendation." ACM TOIS 2020.

    Args:
        query: float [Q, D].
        items: float [I, D].
        target, rows, weight, positive_weight, negative_weight: as of `weighted_square`.

    Returns:
        A scalar.
    """
    asking = query if rows is None else query[rows]
    squares = ((query.T @ query) * (items.T @ items)).sum()
    return _square_of_rest(squares, (asking * F.embedding(target, items)).sum(dim=1), weight, positive_weight, negative_weight)


def _square_of_rest(squares: Tensor, right: Tensor, weight: Tensor | None, positive_weight: float, negative_weight: float) -> Tensor:
    """c0 times `squares`, the sum of all squared scores, with the targets' terms exchanged."""
    chosen = (1 - right).square() if weight is None else weight * (1 - right).square()
    return negative_weight * (squares - right.square().sum()) + positive_weight * chosen.sum()


class KeptSoftmax(torch.autograd.Function):
    """`dot_softmax_cross_entropy` of few scores, on a CPU: their gradient takes their place as soon as they exist."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, items: Tensor, target: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
        """[Q, D], [I, D], [T], [T], [T] -> scalar."""
        from turret.kernels import softmax

        scores = query @ items.T
        loss = softmax.kept(scores.numpy(), rows.numpy(), target.numpy(), weight.numpy())
        ctx.save_for_backward(query, items, scores)
        return query.new_tensor(loss)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """scalar -> [Q, D], [I, D]."""
        query, items, of_scores = ctx.saved_tensors
        return (of_scores @ items).mul_(grad), of_scores.T @ (query * grad), None, None, None


class DotSoftmax(torch.autograd.Function):
    """`dot_softmax_cross_entropy`, with all its arguments."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, items: Tensor, target: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
        """[Q, D], [I, D], [T], [T], [T] -> scalar."""
        highest, total = _normalisers(query, items)
        mass = query.new_zeros(len(query)).index_add_(0, rows, weight)
        # One vector a query, not one a target: the summed vectors of all its right answers.
        right = _summed(items, target, rows, weight, len(query))
        ctx.save_for_backward(query, items, target, rows, weight, highest, mass / total, right)
        return (mass * (highest + total.log())).sum() - (query * right).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """scalar -> [Q, D], [I, D]."""
        query, items, target, rows, weight, highest, scale, right = ctx.saved_tensors
        query_grad, item_grad = _gradients(query, items, highest, scale * grad)
        query_grad.sub_(right * grad)
        different, place = target.unique(return_inverse=True)
        item_grad.index_add_(0, different, _summed(query, rows, place, weight * -grad, len(different)))
        return query_grad, item_grad, None, None, None


def _summed(vectors: Tensor, which: Tensor, bag: Tensor, weight: Tensor, bags: int) -> Tensor:
    """In row b the sum of weight_k vectors[which_k] over the k with bag_k = b: [bags, D]. The [K, D] to be summed never exist."""
    order, counts = bag.argsort(stable=True), bag.bincount(minlength=bags)
    return F.embedding_bag(which[order], vectors, counts.cumsum(0) - counts, mode="sum", per_sample_weights=weight[order])


def _normalisers(query: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
    """The highest score of each query, and the sum of e^(score - highest): [Q] both."""
    if _compiled(query):
        from turret.kernels import softmax

        found = softmax.normalisers(softmax.Queries.of(query.numpy()), items.contiguous().numpy())
        return torch.from_numpy(found[0]), torch.from_numpy(found[1])
    highest, total = query.new_full((len(query),), -torch.inf), query.new_zeros(len(query))
    for block in _blocks(query, items):
        scores = query @ block.T
        before, highest = highest, torch.maximum(highest, scores.amax(dim=1))
        total = total * (before - highest).exp() + scores.sub_(highest[:, None]).exp_().sum(dim=1)
    return highest, total


def _gradients(query: Tensor, items: Tensor, highest: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """sum over i of p_qi item_i, and sum over q of p_qi query_q, with p_qi = scale_q e^(score_qi - highest_q): [Q, D], [I, D]."""
    if _compiled(query):
        from turret.kernels import softmax

        told = highest.numpy(), scale.numpy()
        found = softmax.gradients(softmax.Queries.of(query.numpy()), items.contiguous().numpy(), *told)
        return torch.from_numpy(found[0]), torch.from_numpy(found[1])
    query_grad, item_grad, scaled = torch.zeros_like(query), torch.empty_like(items), query * scale[:, None]
    for block, grad in zip(_blocks(query, items), _blocks(query, item_grad), strict=True):
        shares = (query @ block.T).sub_(highest[:, None]).exp_()
        query_grad.addmm_(shares, block)
        torch.mm(shares.T, scaled, out=grad)
    return query_grad.mul_(scale[:, None]), item_grad


def _blocks(query: Tensor, items: Tensor) -> tuple[Tensor, ...]:
    """Items of which `SCORES` scores can be held: some [C, D]."""
    return torch.split(items, max(1, SCORES // max(1, len(query))))


def _compiled(query: Tensor) -> bool:
    """Whether the compiled loops are for these numbers."""
    return query.device.type == "cpu" and query.dtype == torch.float32
