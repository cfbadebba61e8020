"""The linear layer against torch's."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from turret.nn import linear
from turret.nn.linear import LEAST, Linear


@pytest.mark.parametrize("shape", [(3,), (700,), (7, 100)])
@pytest.mark.parametrize("bias", [True, False])
def test_value_and_gradients_are_torchs(shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(0)
    ours = Linear(80, 90, bias=bias)
    theirs = nn.Linear(80, 90, bias=bias)
    theirs.load_state_dict(copy.deepcopy(ours.state_dict()))
    x = torch.randn(*shape, 80)
    assert (x.numel() * 90 >= LEAST) == (len(shape) > 1 or shape[0] > 100)
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    for layer, given in zip((ours, theirs), inputs, strict=True):
        (layer(given).sin() * torch.arange(90)).sum().backward()
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad, atol=1e-3, rtol=1e-4)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-2, rtol=1e-4)


def test_products_have_the_precision_of_float32() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(500, 300), torch.randn(200, 300)
    exact = x.double() @ weight.double().T
    assert (linear.multiply(x, weight).double() - exact).abs().max() < 2e-4  # bfloat16 would be wrong by 1e-1


def test_other_types_go_torchs_way() -> None:
    layer = Linear(80, 90).double()
    assert layer(torch.randn(1000, 80, dtype=torch.float64)).dtype == torch.float64
    with torch.autocast("cpu", torch.bfloat16):
        assert Linear(80, 90)(torch.randn(1000, 80)).dtype == torch.bfloat16
    assert Linear(80, 90, device="meta")(torch.empty(1000, 80, device="meta")).shape == (1000, 90)
