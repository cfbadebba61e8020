"""What all losses over sampled negatives have in common: gradients, extreme scores, and negatives that do not count."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from turret.losses import pairwise, pointwise, sampled
from turret.losses.contrastive import cosine_contrastive
from turret.losses.pointwise import against_zeros
from turret.losses.scored import SampledLoss, Scored

LOSSES: dict[str, SampledLoss] = {
    "sampled_softmax": sampled.sampled_softmax,
    "info_nce": sampled.info_nce,
    "scaled_softmax": partial(sampled.scaled_softmax, scale=30.0),
    "nce": sampled.nce,
    "gbce": partial(sampled.gbce, n_items=40, calibration=0.7),
    "bpr": pairwise.bpr,
    "bpr_max": partial(pairwise.bpr_max, regularization=0.5),
    "top1": pairwise.top1,
    "top1_max": pairwise.top1_max,
    "hinge": partial(pairwise.hinge, margin=1.0),
    "warp": partial(pairwise.warp, margin=1.0, n_items=40),
    "weighted_bpr": pairwise.weighted_bpr,
    "pris": pairwise.pris,
    "cosine_contrastive": partial(cosine_contrastive, margin=0.4, negative_weight=3.0),
    **{name: against_zeros(getattr(pointwise, name)) for name in ("binary_cross_entropy", "square", "sigmoid_square", "poisson")},
    "focal": against_zeros(partial(pointwise.focal, gamma=2.0)),
}
COUNTING_ALL = {"sampled_softmax", "nce", "gbce"}
"""Those in which N counts draws that are masked as well."""
CONSTANT_WEIGHTS = {"warp", "weighted_bpr", "pris"}
"""Those whose gradient is not that of their value, by intention."""
POSITIVE_ALONE = {"nce", "gbce", "cosine_contrastive", "binary_cross_entropy", "square", "sigmoid_square", "poisson", "focal"}
"""Those in which the right item has a term of its own, beside its comparison with negatives."""


def example(rows: int = 4, count: int = 5, dtype: torch.dtype = torch.float64) -> Scored:
    generator = torch.Generator().manual_seed(0)
    positive, negative = torch.randn(rows, generator=generator), torch.randn(rows, count, generator=generator)
    log_q = torch.rand(rows, count + 1, generator=generator).log() - 2
    columns = (tensor.to(dtype) for tensor in (positive, negative, log_q))
    positive, negative, log_q = columns
    return Scored(positive.requires_grad_(), negative.requires_grad_(), log_q[:, 1:], None, log_q[:, 0])


def with_gradients(loss: SampledLoss, scored: Scored) -> tuple[Tensor, Tensor, Tensor]:
    losses = loss(scored)
    return losses.detach(), *torch.autograd.grad(losses.sum(), (scored.positive, scored.negative))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", sorted(LOSSES.keys() - CONSTANT_WEIGHTS))
def test_gradients_by_finite_differences(name: str, masked: bool) -> None:
    scored = example()
    mask = torch.rand(4, 5, generator=torch.Generator().manual_seed(1)) < 0.6 if masked else None
    losses = lambda p, n: LOSSES[name](Scored(p, n, scored.log_q, mask, scored.positive_log_q))  # noqa: E731
    assert torch.autograd.gradcheck(losses, (scored.positive, scored.negative))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_scores(name: str, dtype: torch.dtype) -> None:
    high = 1e4
    positive = torch.tensor([high, -high, high, -high, 0.0], dtype=dtype, requires_grad=True)
    against = [[-high, high], [high, high], [-high, -high], [-high, 0.0], [-high, high]]
    negative = torch.tensor(against, dtype=dtype, requires_grad=True)
    log_q = torch.tensor([[-20.0, -0.1]], dtype=dtype)
    for found in with_gradients(LOSSES[name], Scored(positive, negative, log_q, None, log_q[0, :1])):
        assert found.dtype == dtype and found.isfinite().all()


@pytest.mark.parametrize("value", [0.0, 1e4, -1e4, torch.inf, -torch.inf, torch.nan])
@pytest.mark.parametrize("name", LOSSES)
def test_negatives_that_do_not_count_have_no_effect(name: str, value: float) -> None:
    """Whatever their score and their log q are: as if they were not there, but for the number that was drawn."""
    full, there = example(), [0, 2, 3]
    mask = torch.zeros(4, 5, dtype=torch.bool)
    mask[:, there] = True
    negative = full.negative.detach().masked_fill(~mask, value).requires_grad_()
    log_q = full.log_q.masked_fill(~mask, value)
    losses, for_positive, for_negative = with_gradients(LOSSES[name], Scored(full.positive, negative, log_q, mask, full.positive_log_q))
    if name in COUNTING_ALL:
        expected = with_gradients(LOSSES[name], Scored(full.positive, full.negative, full.log_q, mask, full.positive_log_q))
    else:
        kept = full.negative.detach()[:, there].requires_grad_()
        expected = with_gradients(LOSSES[name], Scored(full.positive, kept, full.log_q[:, there], None, full.positive_log_q))
        expected = (*expected[:2], torch.zeros(4, 5, dtype=torch.float64).index_copy(1, torch.tensor(there), expected[2]))
    torch.testing.assert_close((losses, for_positive, for_negative), expected)
    assert not for_negative[~mask].any()


@pytest.mark.parametrize("value", [0.0, torch.inf, -torch.inf, torch.nan])
@pytest.mark.parametrize("name", LOSSES)
def test_rows_of_which_no_negative_counts(name: str, value: float) -> None:
    """Only what the right item has of its own remains: nothing in the losses that compare."""
    full = example()
    mask = torch.tensor([[True], [False], [True], [False]]).expand(4, 5)
    negative = full.negative.detach().masked_fill(~mask, value).requires_grad_()
    losses, for_positive, for_negative = with_gradients(
        LOSSES[name], Scored(full.positive, negative, full.log_q.masked_fill(~mask, value), mask, full.positive_log_q)
    )
    assert losses.isfinite().all() and for_positive.isfinite().all() and not for_negative[~mask].any()
    assert for_negative[mask].any()
    if name not in POSITIVE_ALONE:
        torch.testing.assert_close(losses[[1, 3]], torch.zeros(2, dtype=torch.float64), atol=1e-12, rtol=0)
        assert not for_positive[[1, 3]].any()


@pytest.mark.parametrize("name", LOSSES)
def test_rows_do_not_know_of_each_other_and_the_order_of_negatives_means_nothing(name: str) -> None:
    full = example()
    order = torch.tensor([3, 0, 4, 1, 2])
    one = Scored(full.positive[2:3], full.negative[2:3, order], full.log_q[2:3, order], None, full.positive_log_q[2:3])
    torch.testing.assert_close(LOSSES[name](one), LOSSES[name](full)[2:3])


@pytest.mark.parametrize("name", LOSSES)
def test_no_loss_rewards_a_higher_negative(name: str) -> None:
    """Where all scores are above 0 and the right item is below its negatives, each of them pushes the right item up and the sum of the
    negatives down."""
    full = example()
    scored = Scored(
        full.positive.detach().abs().requires_grad_(),
        (full.negative.detach().abs() + 3).requires_grad_(),
        full.log_q,
        None,
        full.positive_log_q,
    )
    _, for_positive, for_negative = with_gradients(LOSSES[name], scored)
    if name in {"square", "poisson"}:  # these ask for a score of 1, or of 0, and not for a high one
        assert (for_negative > 0).all()
    else:
        assert (for_positive <= 0).all() and (for_negative.sum(dim=1) > 0).all()
