"""Vectors drawn back to the unit ball."""

from __future__ import annotations

import torch

from turret.nn.in_ball import InBall
from turret.nn.tables import Table


def table() -> Table:
    held = Table(4, 2).double()
    with torch.no_grad():
        held.weight.copy_(torch.tensor([[3.0, 4.0], [0.3, -0.4], [0.0, 0.0], [0.0, -1.0]]))
    return held


def test_the_long_are_shortened_and_the_others_left_alone() -> None:
    ball = InBall(table())
    expected = torch.tensor([[0.6, 0.8], [0.3, -0.4], [0.0, 0.0], [0.0, -1.0]], dtype=torch.float64)
    torch.testing.assert_close(ball.dense(), expected)
    ids = torch.tensor([[0, 2], [1, 0]])
    torch.testing.assert_close(ball[ids], expected[ids])
    torch.testing.assert_close(ball.free(ids), table()[ids])


def test_gradients() -> None:
    held = table()
    weights = torch.tensor([[1.0, 2.0], [3.0, 1.0], [1.0, -1.0], [0.0, 0.0]], dtype=torch.float64)
    (InBall(held).dense() * weights).sum().backward()
    assert held.weight.grad is not None
    # of a long vector only what turns it is left: (g - <g, v'> v') / |v|
    turned = (weights[0] - weights[0] @ torch.tensor([0.6, 0.8], dtype=torch.float64) * torch.tensor([0.6, 0.8])) / 5
    torch.testing.assert_close(held.weight.grad[:3], torch.stack([turned, weights[1], weights[2]]))


def test_any_shape_in_either_precision_and_its_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    held = Table(30, 5).double()
    with torch.no_grad():
        held.weight.copy_(torch.randn(30, 5, generator=generator) * 0.6)  # some longer than 1, some not
    ids = torch.randint(30, (2, 3, 4), generator=generator)
    for dtype in (torch.float64, torch.float32):
        vectors = held.to(dtype).weight[ids]
        torch.testing.assert_close(InBall(held)[ids], vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1))
    assert InBall(held)[ids[:0]].shape == (0, 3, 4, 5)
    held.double()
    weight = held.weight.detach().clone().requires_grad_()
    weights = torch.randn(30, 5, generator=generator, dtype=torch.float64)
    ours = InBall(held).dense()
    (gradient,) = torch.autograd.grad((ours * weights).sum(), held.weight)
    (expected,) = torch.autograd.grad(((weight / weight.norm(dim=-1, keepdim=True).clamp(min=1)) * weights).sum(), weight)
    torch.testing.assert_close(gradient, expected)
