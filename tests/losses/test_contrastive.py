"""The contrastive losses against hand-computed values and brute force."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from turret.losses.contrastive import alignment, cosine_contrastive, uniformity
from turret.losses.scored import Scored


def vectors(rows: int = 5, width: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


def test_cosine_contrastive() -> None:
    scored = Scored(torch.tensor([0.9, -1.0]), torch.tensor([[0.5, 0.3, -0.2], [0.4, 0.7, 1.0]]), torch.zeros(1))
    losses = cosine_contrastive(scored, margin=0.4, negative_weight=6.0)
    assert losses.tolist() == pytest.approx([0.1 + 6 * 0.1 / 3, 2 + 6 * 0.9 / 3])


def test_alignment() -> None:
    """A right angle is at distance 2^(1/2), and lengths mean nothing."""
    query, items = torch.tensor([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0]]), torch.tensor([[0.0, 5.0], [0.0, 0.1], [-2.0, -2.0]])
    assert alignment(query, items).item() == pytest.approx((2 + 0 + 4) / 3)


def test_uniformity() -> None:
    """Of three vectors two are equal, and the third is at a right angle to both."""
    x = torch.tensor([[2.0, 0.0], [0.5, 0.0], [0.0, 3.0]])
    assert uniformity(x).item() == pytest.approx(math.log((1 + 2 * math.exp(-4)) / 3))


def test_uniformity_is_the_mean_over_pairs() -> None:
    x = vectors(7)
    unit = x / x.norm(dim=1, keepdim=True)
    pairs = [(-2 * (unit[i] - unit[j]).square().sum()).exp() for i in range(7) for j in range(i)]
    expected = torch.stack(pairs).mean().log()
    torch.testing.assert_close(uniformity(x), expected)
    torch.testing.assert_close(torch.autograd.grad(uniformity(x), x), torch.autograd.grad(expected, x))


def test_gradients_by_finite_differences() -> None:
    assert torch.autograd.gradcheck(alignment, (vectors(), vectors(seed=1)))
    assert torch.autograd.gradcheck(uniformity, (vectors(),))


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e4])
def test_equal_vectors(scale: float) -> None:
    """They are as close as vectors can be, at a distance whose root has no slope."""
    x = torch.tensor([[1.0, 2.0, -1.0]]).mul(scale).repeat(4, 1).requires_grad_()
    for loss in (uniformity(x), alignment(x, x.detach())):
        assert loss.item() == pytest.approx(0, abs=1e-6)
        assert torch.autograd.grad(loss, x)[0].mul(scale).abs().max().item() < 1e-5


def test_opposite_vectors_are_farthest_apart() -> None:
    assert uniformity(torch.tensor([[1.0, 0.0], [-3.0, 0.0]])).item() == pytest.approx(-8)
    assert alignment(torch.tensor([[1.0, 0.0]]), torch.tensor([[-3.0, 0.0]])).item() == pytest.approx(4)


@pytest.mark.parametrize("rows", [0, 1])
def test_less_than_two_vectors_are_no_pair(rows: int) -> None:
    x = vectors(rows)
    loss = 2 * uniformity(x) + x.sum()
    loss.backward()
    assert uniformity(x).item() == 0 and x.grad is not None and x.grad.eq(1).all()
