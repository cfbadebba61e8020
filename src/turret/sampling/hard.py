"""Hard negatives: of a pool of candidates those that the model scores high."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from turret.core.context import PerRow
from turret.core.contracts import Sampler, Step, Targets
from turret.core.interactions import Interactions
from turret.core.remembering import hand_back, state_of
from turret.sampling import categorical
from turret.sampling.seen import Seen, users_of
from turret.sampling.uniform import Uniform

Weighing = Callable[[Tensor, Tensor], Tensor]
"""Log-weights [T, K] of candidates, from their scores and the logs of the probabilities with which they were proposed."""


def softened(temperature: float) -> Weighing:
    """exp(score / temperature): the best of the pool as the temperature goes to 0, any of it as it grows."""
    return lambda scores, log_q: scores / temperature


def importance(temperature: float = 1.0) -> Weighing:
    """exp(score / temperature) / q: whatever the proposal is, draws come near the softmax of the scores as the pool grows.

    That is sampling importance resampling: D. B. Rubin, "Using the SIR Algorithm to Simulate Posterior Distributions", Bayesian
    Statistics 3, 1988.
    """
    return lambda scores, log_q: scores / temperature - log_q


class Hardest:
    """Each negative is the best scored of a pool of its own, drawn uniformly from what its user has not taken.

    W. Zhang, T. Chen, J. Wang and Y. Yu, "Optimizing Top-N Collaborative Filtering via Dynamic Negative Item Sampling", SIGIR 2013, in the
    form in which the best of the pool is always taken.

    Of n items that may be drawn, with a of them scored higher than an item and m the same (itself among them), the best of k is that item
    with probability ((n - a)^k - (n - a - m)^k) / (m n^k): the pool has nothing better, but something as good, and equals share. Where the
    right item itself may be drawn it counts as the worst of all, and is masked where the pool had nothing else.

    Args:
        n_items: I.
        negative_count: N.
        pool: k, candidates for each negative.
        seen: interactions, the right items among them, whose items are not drawn for their user; None leaves out nothing. A user who has
            taken everything draws from all.
        corrected: whether log q is told, which scores the whole catalogue. If not, it is NaN, so that a loss which looks at it shows.
    """

    def __init__(self, n_items: int, negative_count: int, pool: int, seen: Interactions | None = None, corrected: bool = False) -> None:
        self.negative_count, self.pool, self.corrected = negative_count, pool, corrected
        self._proposal = Uniform(n_items, negative_count * pool, seen)
        self._seen = Seen(seen) if seen is not None and corrected else None

    @torch.no_grad()
    def __call__(self, targets: Targets, step: Step) -> PerRow:
        """`PerRow` with items, log_q and mask [T, N].

        Raises:
            ValueError: what users have taken is to be left out, and the users are not known.
        """
        drawn = self._proposal(targets, step)
        scores = scored(targets, drawn.items)
        if drawn.mask is not None:
            scores = scores.masked_fill(~drawn.mask, torch.finfo(scores.dtype).min)
        best = scores.view(-1, self.negative_count, self.pool).argmax(dim=2, keepdim=True)
        items = drawn.items.view(-1, self.negative_count, self.pool).gather(2, best)[..., 0]
        mask = None if drawn.mask is None else items != targets.items[:, None]
        if not self.corrected:
            return PerRow(items, torch.full((1, 1), torch.nan, device=items.device), mask)
        return PerRow(items, self._log_q(targets, items), mask)

    def _log_q(self, targets: Targets, items: Tensor) -> Tensor:
        """float32 [T, N]."""
        vectors, parts = targets.encoded.items.dense(), []
        every = torch.arange(len(vectors), device=items.device)
        for rows in categorical.blocks(len(targets), len(vectors)):
            scores = targets.scorer.all(targets.query[rows], vectors).float()
            scores = scores.scatter(1, targets.items[rows, None], torch.finfo(scores.dtype).min)
            if self._seen is not None:
                scores = scores.masked_fill(self._seen.among(users_of(targets)[rows], every), -torch.inf)
            above, level, left = (counts.double() for counts in compared(scores, items[rows]))
            no_better = self.pool * torch.log1p(-above / left)
            as_good = torch.log(-torch.expm1(self.pool * torch.log1p(-level / (left - above))))
            parts.append(no_better + as_good - level.log())
        return torch.cat(parts).float()


def scored(targets: Targets, items: Tensor) -> Tensor:
    """float [T, K] the scores of `items` int64 [T, K], a block of rows at a time, since their vectors are many."""
    parts = [
        targets.scorer.pairs(targets.query[rows], targets.encoded.items[items[rows]])
        for rows in categorical.blocks(len(items), items.shape[1] * targets.query.shape[1])
    ]
    return torch.cat(parts)


def compared(scores: Tensor, items: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How many scores of the same row are above those of some items, how many the same, and how many there are.

    Args:
        scores: float32 [T, I], minus infinity for what does not take part.
        items: int64 [T, N], which do.

    Returns:
        int64 [T, N], [T, N] and [T, 1].
    """
    if scores.device.type != "cpu":
        return compared_by_sorting(scores, items)
    from turret.kernels.parallel import over_rows
    from turret.kernels.ranking import compare

    rows, count = items.shape
    nothing, each = np.zeros(rows + 1, dtype=np.int64), np.arange(rows + 1) * count
    above, level, left = torch.empty_like(items), torch.empty_like(items), torch.empty((rows, 1), dtype=torch.int64)
    arrays = [scores.numpy(), nothing, nothing[:0], each, *(tensor.contiguous().view(-1).numpy() for tensor in (items, above, level, left))]
    over_rows(lambda start, stop: compare(start, stop, *arrays), rows, 1)
    return above, level, left


def compared_by_sorting(scores: Tensor, items: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same on any device."""
    asked, ascending = scores.gather(1, items), scores.sort(dim=1).values
    up_to = torch.searchsorted(ascending, asked, right=True)
    left = (scores > -torch.inf).sum(dim=1, keepdim=True)
    return scores.shape[1] - up_to, up_to - torch.searchsorted(ascending, asked), left


class Resampled:
    """N draws, with replacement, from a pool of K candidates that a sampler proposes, in proportion to weights.

    What may be drawn once the pool is known is one thing; with which probability P(i) an item is drawn, pools included, another. Any of
    the K places can hold the item, and the others are independent: with w the weights and q0 the proposal's probabilities,

        P(i) = K q0(i) E[w_i / (w_i + w_1 + ... + w_(K-1))],

    the expectation being over K - 1 candidates. `corrected` draws one more pool for each query and puts its sum in that place: exp(log q)
    is then an unbiased estimate of P(i), not P(i) itself, and its logarithm and its inverse are biased, the less so the larger the pool.

    Args:
        proposal: draws K candidates for each right item, independently and each from the same probabilities; it tells log q where
            `corrected` or the weights need it.
        negative_count: N.
        weighing: `softened` or `importance`.
        corrected: whether log q is told. If not, it is NaN, so that a loss which looks at it shows.
    """

    def __init__(self, proposal: Sampler, negative_count: int, weighing: Weighing, corrected: bool = False) -> None:
        self.proposal, self.negative_count, self.weighing, self.corrected = proposal, negative_count, weighing, corrected

    @torch.no_grad()
    def __call__(self, targets: Targets, step: Step) -> PerRow:
        """`PerRow` with items, log_q and mask [T, N]."""
        items, log_q, mask, log_weights = self._pool(targets, step)
        uniform = torch.rand((len(items), self.negative_count), generator=step.generator, device=items.device, dtype=torch.float64)
        place = categorical.draw(categorical.softmax(log_weights), uniform)
        mask = None if mask is None else mask.gather(1, place)
        if not self.corrected:
            return PerRow(items.gather(1, place), torch.full((1, 1), torch.nan, device=items.device), mask)
        others = self._pool(targets, step)[3][:, 1:].logsumexp(dim=1, keepdim=True)
        own, log_q = log_weights.gather(1, place), log_q.gather(1, place)
        log_p = math.log(items.shape[1]) + log_q + own - torch.logaddexp(own, others)
        log_p = torch.where(own > -torch.inf, log_p, log_q)  # where a whole pool was masked, which is any number that spoils no gradient
        return PerRow(items.gather(1, place), log_p, mask)

    def state(self) -> dict[str, Tensor]:
        """What the proposal carries from step to step."""
        return state_of(self.proposal)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Hands it back to the proposal."""
        hand_back(self.proposal, state)

    def _pool(self, targets: Targets, step: Step) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """Candidates, their log-probabilities, mask and log-weights: [T, K] each."""
        pool = self.proposal(targets, step)
        if not isinstance(pool, PerRow):
            raise ValueError("negatives are resampled from a pool of each right item's own, and this proposal gives all the same")
        log_q = pool.log_q.expand(pool.items.shape)
        log_weights = self.weighing(scored(targets, pool.items), log_q)
        if pool.mask is not None:
            log_weights = log_weights.masked_fill(~pool.mask, -torch.inf)
        return pool.items, log_q, pool.mask, log_weights
