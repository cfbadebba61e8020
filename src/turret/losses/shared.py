"""Losses over one sample that all rows of a batch share, the other rows' targets among it.

A row's target competes with every other occurrence in [the b targets, N drawn items]. Equal items have equal scores, so each different
item is scored once and counts as often as it occurs: `Candidates` says how often. The formulas below are over occurrences j, with t the
row's own.

Shapes: b rows, N drawn items, C candidates, I items, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from turret.nn.tables import Biased

TINY = 1e-24
"""Keeps the logarithms finite: no row's loss exceeds 55.262."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a batch is scored against.

    Attributes:
        items: int64 [C].
        right: int64 [b] the candidate that is each row's target.
        times: float [C] how often each occurs.
        weight: float [C] the sum, over its occurrences, of what each counts in a corrected softmax.
        own: float [b] what the row's own occurrence counts there.
    """

    items: Tensor
    right: Tensor
    times: Tensor
    weight: Tensor
    own: Tensor


class Weights:
    """What an occurrence of each item counts in the softmax: q^-kappa, for a target with q its count c, for a drawn item with q = c^alpha.

    Subtracting kappa log q from a score (Y. Bengio, J.-S. Senécal 2008, with kappa = 1) is the same. q are counts, not probabilities: the
    two groups would be shifted by different constants.

    Args:
        counts: int [I] of the training part.
        alpha: the exponent with which items are drawn.
        kappa: strength of the correction; 0 counts every occurrence as 1.
    """

    def __init__(self, counts: Any, alpha: float, kappa: float) -> None:
        counts = np.maximum(np.asarray(counts, dtype=np.float64), 1)
        self.target = torch.from_numpy((counts**-kappa).astype(np.float32))
        self.sample = torch.from_numpy((counts ** (-kappa * alpha)).astype(np.float32))
        self._slot = np.full(len(counts), -1, dtype=np.int32)

    def candidates(self, target: Tensor, sample: Tensor, boundary: int | None = None) -> Candidates:
        """The candidates of a batch: on a CPU the different items, elsewhere all occurrences, so that shapes do not depend on values.

        Args:
            target: int64 [b].
            sample: int64 [N].
            boundary: the first `boundary - b` drawn items count as targets do; None: none of them.
        """
        boundary = boundary or len(target)
        if target.device.type == "cpu":
            return self._different(target, sample, boundary)
        self.target, self.sample = self.target.to(target.device), self.sample.to(target.device)
        return self.occurrences(target, sample, boundary)

    def occurrences(self, target: Tensor, sample: Tensor, boundary: int) -> Candidates:
        """Every occurrence for itself: C = b + N."""
        items, rows = torch.cat([target, sample]), torch.arange(len(target), device=target.device)
        weight = torch.cat([self.target[items[:boundary]], self.sample[items[boundary:]]])
        return Candidates(items, rows, torch.ones_like(weight), weight, weight[: len(target)])

    def _different(self, target: Tensor, sample: Tensor, boundary: int) -> Candidates:
        from turret.kernels.drawing import distinct

        most = len(target) + len(sample)
        items, right = np.empty(most, dtype=np.int64), np.empty(len(target), dtype=np.int64)
        times, weight, own = (np.empty(n, dtype=np.float32) for n in (most, most, len(target)))
        tables = self.target.numpy(), self.sample.numpy(), boundary, self._slot
        count = distinct(target.numpy(), sample.numpy(), *tables, items, right, times, weight, own)
        return Candidates(*(torch.from_numpy(array) for array in (items[:count], right, times[:count], weight[:count], own)))


class SharedLoss(Protocol):
    """A loss of scores against shared candidates."""

    def __call__(self, scores: Tensor, candidates: Candidates) -> Tensor:
        """[b, C] -> [b]."""
        ...

    def compiled(self, scores: Tensor, biases: Tensor, candidates: Candidates, losses: Tensor, totals: Tensor) -> None:
        """Fills `losses` [b] with the loss of scores + biases, replaces `scores` [b, C] by its gradient, and fills `totals` [C] with that
        of the biases; on a CPU, in float32."""
        ...


@dataclass(frozen=True)
class CrossEntropy:
    """-log(p + 1e-24), p = own e^(s_t) / sum over candidates of weight_j e^(s_j) (B. Hidasi, A. Karatzoglou 2018, section 3.1)."""

    def __call__(self, scores: Tensor, candidates: Candidates) -> Tensor:
        """[b, C] -> [b]."""
        normaliser = (scores + candidates.weight.log()).logsumexp(dim=1)
        at_right = scores.gather(1, candidates.right[:, None]).squeeze(1)
        return -((at_right + candidates.own.log() - normaliser).exp() + TINY).log()

    def compiled(self, scores: Tensor, biases: Tensor, candidates: Candidates, losses: Tensor, totals: Tensor) -> None:
        """See `SharedLoss`."""
        from turret.kernels.shared import cross_entropy

        arrays = [tensor.numpy() for tensor in (scores, biases, candidates.right, candidates.weight, candidates.own, losses, totals)]
        cross_entropy(*arrays)


@dataclass(frozen=True)
class BprMax:
    """-log(A + 1e-24) + bpreg R (B. Hidasi, A. Karatzoglou 2018, "Recurrent Neural Networks with Top-k Gains", equation 10).

    w_j = softmax of o over the negatives, A = sum_j w_j sigmoid(o_t - o_j), R = sum_j w_j o_j^2.

    Attributes:
        bpreg: weight of R.
        elu_param: a of o = ELU_a(s), which is s above 0 and a (e^s - 1) below; 0 takes o = s.
    """

    bpreg: float = 1.0
    elu_param: float = 0.5

    def __call__(self, scores: Tensor, candidates: Candidates) -> Tensor:
        """[b, C] -> [b]."""
        o = torch.nn.functional.elu(scores, self.elu_param) if self.elu_param > 0 else scores
        target = o.gather(1, candidates.right[:, None])
        times = candidates.times.to(o.dtype).expand_as(o).scatter_add(1, candidates.right[:, None], -torch.ones_like(target))
        share = o.masked_fill(times <= 0, -torch.inf)
        share = torch.softmax(share + times.clamp(min=1).log(), dim=1)
        better = (share * torch.sigmoid(target - o)).sum(dim=1)
        return -(better + TINY).log() + self.bpreg * (share * o.square()).sum(dim=1)

    def compiled(self, scores: Tensor, biases: Tensor, candidates: Candidates, losses: Tensor, totals: Tensor) -> None:
        """See `SharedLoss`."""
        from turret.kernels.shared import bpr_max

        scratch = np.empty((2, len(biases)), dtype=np.float32)
        arrays = scores.numpy(), biases.numpy(), candidates.right.numpy(), candidates.times.numpy(), losses.numpy(), totals.numpy()
        bpr_max(*arrays, scratch, np.float32(self.bpreg), np.float32(self.elu_param))


def biased_dot_loss(loss: SharedLoss, query: Tensor, items: Biased, candidates: Candidates) -> Tensor:
    """The sum over rows of `loss(query @ vectors.T + biases, candidates)`, its gradient computed together with its value.

    Args:
        loss: one of the above.
        query: float32 [b, D], on a CPU.
        items: the item side; of both tables only the candidates' rows get a gradient.
        candidates: different items.

    Returns:
        A scalar, differentiable once with respect to `query` and both tables.
    """
    vectors, biases = items.vectors, items.biases
    total: Tensor = _BiasedDotLoss.apply(loss, query, vectors.weight, biases.weight, candidates, vectors.sparse)  # type: ignore[no-untyped-call]
    return total


class _BiasedDotLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, loss: SharedLoss, query: Tensor, vectors: Tensor, biases: Tensor, candidates: Candidates, sparse: bool) -> Tensor:
        """[b, D], [I, D], [I, 1] -> scalar."""
        items, count = candidates.items, len(candidates.items)
        rows = vectors.index_select(0, items)
        scores, losses, for_biases = query @ rows.T, query.new_empty(len(query)), query.new_empty(count)
        loss.compiled(scores, biases.view(-1).index_select(0, items), candidates, losses, for_biases)
        ctx.save_for_backward(query, rows, scores, for_biases)
        ctx.items, ctx.n_items, ctx.sparse = items, len(vectors), sparse
        return losses.sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """scalar -> the gradients of query, vectors and biases."""
        query, rows, scores, for_biases = ctx.saved_tensors
        items = ctx.items
        for_query = (scores @ rows).mul_(grad)
        for_rows = scores.T @ (query * grad)
        for_biases = (for_biases * grad)[:, None]
        if ctx.sparse:
            place = items[None]
            return None, for_query, _rows(place, for_rows, ctx.n_items), _rows(place, for_biases, ctx.n_items), None, None
        dense = [values.new_zeros(ctx.n_items, values.shape[1]).index_add_(0, items, values) for values in (for_rows, for_biases)]
        return None, for_query, *dense, None, None


def _rows(place: Tensor, values: Tensor, n: int) -> Tensor:
    return torch.sparse_coo_tensor(place, values, (n, values.shape[1]), check_invariants=False)
