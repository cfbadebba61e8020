"""Pointwise losses against their closed forms."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from turret.losses.pointwise import against_zeros, binary_cross_entropy, focal, poisson, sigmoid_square, square
from turret.losses.scored import Scored


def test_binary_cross_entropy_is_the_negative_log_likelihood_of_the_sigmoid() -> None:
    score = torch.linspace(-6, 6, 25)
    for label in (0.0, 1.0):
        probability = 1 / (1 + torch.exp(-score))
        expected = -(label * probability.log() + (1 - label) * (1 - probability).log())
        torch.testing.assert_close(binary_cross_entropy(score, torch.full_like(score, label)), expected)


def test_binary_cross_entropy_agrees_with_torch_on_soft_labels() -> None:
    score, label = torch.randn(50, 3), torch.rand(50, 3)
    torch.testing.assert_close(binary_cross_entropy(score, label), F.binary_cross_entropy_with_logits(score, label, reduction="none"))


def test_binary_cross_entropy_stays_finite_where_the_sigmoid_saturates() -> None:
    score = torch.tensor([1000.0, -1000.0], requires_grad=True)
    loss = binary_cross_entropy(score, torch.tensor([0.0, 1.0]))
    loss.sum().backward()
    assert loss.tolist() == [1000.0, 1000.0]
    assert score.grad is not None and score.grad.tolist() == [1.0, -1.0]


def test_binary_cross_entropy_of_an_undecided_score_is_log_two() -> None:
    assert binary_cross_entropy(torch.zeros(1), torch.ones(1)).item() == pytest.approx(math.log(2))


def test_square() -> None:
    assert square(torch.tensor([3.0, -1.0]), torch.tensor([1.0, 1.0])).tolist() == [4.0, 4.0]


def test_sigmoid_square() -> None:
    score, label = torch.tensor([0.0, math.log(3), -math.log(3)]), torch.tensor([1.0, 0.5, 0.0])
    assert sigmoid_square(score, label).tolist() == pytest.approx([0.25, 0.0625, 0.0625])


def test_poisson_is_the_likelihood_of_a_count() -> None:
    score, count = torch.tensor([0.0, 1.5, -2.0, 3.0]), torch.tensor([2.0, 0.0, 1.0, 17.0])
    likelihood = torch.distributions.Poisson(score.exp()).log_prob(count)
    torch.testing.assert_close(poisson(score, count) + torch.lgamma(count + 1), -likelihood)
    torch.testing.assert_close(poisson(score, count), F.poisson_nll_loss(score, count, reduction="none"))


def test_poisson_goes_on_as_a_tangent() -> None:
    score = torch.tensor([29.0, 30.0, 31.0, 32.0], dtype=torch.float64, requires_grad=True)
    losses = poisson(score, torch.zeros(4))
    slopes = torch.autograd.grad(losses.sum(), score)[0]
    assert (losses / math.exp(30)).tolist() == pytest.approx([math.exp(-1), 1, 2, 3])
    assert (slopes / math.exp(30)).tolist() == pytest.approx([math.exp(-1), 1, 1, 1])


def test_focal() -> None:
    """A chance of 3/4 is met by label 1 with (1/4)^2 of its cross-entropy, by label 0 with (3/4)^2."""
    score, label = torch.full((2,), math.log(3)), torch.tensor([1.0, 0.0])
    assert focal(score, label, gamma=2).tolist() == pytest.approx([math.log(4 / 3) / 16, math.log(4) * 9 / 16])


def test_focal_without_focus_is_binary_cross_entropy() -> None:
    score, label = torch.linspace(-50, 50, 21), torch.rand(21)
    torch.testing.assert_close(focal(score, label, gamma=0), binary_cross_entropy(score, label))


@pytest.mark.parametrize(
    "loss", [binary_cross_entropy, square, sigmoid_square, poisson, partial(focal, gamma=2.0), partial(focal, gamma=0.5)]
)
def test_gradients_and_extreme_scores(loss: object) -> None:
    score = torch.randn(6, dtype=torch.float64, requires_grad=True)
    label = torch.tensor([0.0, 1, 0, 1, 0.3, 1])
    assert torch.autograd.gradcheck(lambda s: loss(s, label), (score,))  # type: ignore[operator]
    extreme = torch.tensor([1e4, -1e4, 1e4, -1e4], requires_grad=True)
    losses = loss(extreme, torch.tensor([0.0, 0, 1, 1]))  # type: ignore[operator]
    losses.sum().backward()
    assert losses.isfinite().all() and extreme.grad is not None and extreme.grad.isfinite().all()


def test_against_zeros() -> None:
    positive, negative = torch.tensor([1.0, 3.0]), torch.tensor([[2.0, -1.0, 5.0], [0.0, 1.0, 2.0]])
    mask = torch.tensor([[True, True, False], [True, True, True]])
    assert against_zeros(square)(Scored(positive, negative, torch.zeros(1), mask)).tolist() == [5.0, 9.0]
    assert against_zeros(square, positive_weight=10)(Scored(positive, negative, torch.zeros(1))).tolist() == [30.0, 45.0]
    sigmoid = torch.sigmoid
    expected = -(sigmoid(positive).log() + (1 - sigmoid(negative)).log().sum(dim=1))
    torch.testing.assert_close(against_zeros(binary_cross_entropy)(Scored(positive, negative, torch.zeros(1))), expected)
