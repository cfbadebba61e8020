"""Pointwise losses against their closed forms."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from turret.losses.pointwise import binary_cross_entropy, square


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
