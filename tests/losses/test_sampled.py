"""The sampled losses against hand-computed values, in extreme cases, and by their gradients."""

from __future__ import annotations

import math

import pytest
import torch

from turret.losses.sampled import LOSSES, binary_cross_entropy, bpr, sampled_softmax

POSITIVE, NEGATIVE = torch.tensor([1.0, -2.0]), torch.tensor([[0.0, 3.0], [1.0, -2.0]])
LOG_Q = torch.log(torch.tensor([[0.5, 0.25], [0.5, 0.25]]))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_bpr() -> None:
    expected = [
        -(math.log(sigmoid(1)) + math.log(sigmoid(-2))) / 2,
        -(math.log(sigmoid(-3)) + math.log(sigmoid(0))) / 2,
    ]
    assert bpr(POSITIVE, NEGATIVE, LOG_Q).tolist() == pytest.approx(expected)


def test_binary_cross_entropy() -> None:
    expected = [
        -math.log(sigmoid(1)) - math.log(sigmoid(0)) - math.log(sigmoid(-3)),
        -math.log(sigmoid(-2)) - math.log(sigmoid(-1)) - math.log(sigmoid(2)),
    ]
    assert binary_cross_entropy(POSITIVE, NEGATIVE, LOG_Q).tolist() == pytest.approx(expected)


def test_sampled_softmax() -> None:
    normaliser = math.exp(1) + math.exp(0) / (2 * 0.5) + math.exp(3) / (2 * 0.25)
    assert sampled_softmax(POSITIVE, NEGATIVE, LOG_Q)[0].item() == pytest.approx(math.log(normaliser) - 1)


def test_sampled_softmax_estimates_the_full_one() -> None:
    """Over all items but the right one, each drawn uniformly from them, the estimate is the full softmax's loss exactly."""
    scores = torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    log_q = torch.full((1, 49), -math.log(49))
    estimate = sampled_softmax(scores[:1], scores[None, 1:], log_q)
    assert estimate.item() == pytest.approx(torch.nn.functional.cross_entropy(scores[None], torch.tensor([0])).item())


@pytest.mark.parametrize("name", LOSSES)
def test_gradients(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    positive = torch.randn(4, generator=generator, dtype=torch.float64, requires_grad=True)
    negative = torch.randn(4, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p, n: LOSSES[name](p, n, torch.full((4, 3), -2.0)), (positive, negative))


@pytest.mark.parametrize("name", LOSSES)
def test_extreme_scores_and_masked_negatives(name: str) -> None:
    positive = torch.tensor([1e4, -1e4, 0.0], requires_grad=True)
    negative = torch.tensor([[-1e4, 1e4], [1e4, -1e4], [-torch.inf, 0.0]], requires_grad=True)
    losses = LOSSES[name](positive, negative, torch.zeros(1))
    losses.sum().backward()
    assert losses.isfinite().all()
    assert positive.grad is not None and positive.grad.isfinite().all()
    assert negative.grad is not None and negative.grad.isfinite().all()
    assert negative.grad[2, 0] == 0
