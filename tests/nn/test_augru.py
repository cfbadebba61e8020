"""The weighed recurrences against their equations, and against torch's own unit where that is the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from turret.nn.augru import AttentionalGRU

MASK = torch.arange(4) < torch.tensor([4, 2, 0, 1])[:, None]


def given(how: Any) -> tuple[Any, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    layer = AttentionalGRU(3, 2, how).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return layer, torch.randn(4, 4, 3, generator=generator).double(), torch.rand(4, 4, generator=generator).double()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("how", ["augru", "agru", "aigru"])
def test_is_its_equations(how: Any) -> None:
    layer, steps, weights = given(how)
    names = "rc" if how == "agru" else "ruc"
    split = [np.split(part.detach().numpy(), len(names)) for part in (layer.input.weight, layer.state.weight, layer.input.bias)]
    W, U, b = (dict(zip(names, parts, strict=True)) for parts in split)
    for row, found in enumerate(layer(steps, weights, MASK)):
        h = np.zeros(2)
        for t in range(int(MASK[row].sum())):
            a, i = float(weights[row, t]), steps[row, t].numpy()
            i = a * i if how == "aigru" else i
            r = sigmoid(W["r"] @ i + U["r"] @ h + b["r"])
            c = np.tanh(W["c"] @ i + r * (U["c"] @ h) + b["c"])
            u = a if how == "agru" else sigmoid(W["u"] @ i + U["u"] @ h + b["u"])
            u = a * u if how == "augru" else u
            h = (1 - u) * h + u * c
        np.testing.assert_allclose(found.detach().numpy(), h, atol=1e-12)


def test_with_weights_of_one_it_is_a_gru() -> None:
    layer, steps, weights = given("augru")
    theirs = torch.nn.GRU(3, 2, batch_first=True).double()  # whose update gate keeps where ours renews
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(layer.input.weight * torch.tensor([1, 1, -1, -1, 1, 1])[:, None])
        theirs.weight_hh_l0.copy_(layer.state.weight * torch.tensor([1, 1, -1, -1, 1, 1])[:, None])
        theirs.bias_ih_l0.copy_(layer.input.bias * torch.tensor([1, 1, -1, -1, 1, 1]))
        theirs.bias_hh_l0.zero_()
    everything = torch.ones_like(MASK)
    _, expected = theirs(steps)
    torch.testing.assert_close(layer(steps, torch.ones_like(weights), everything), expected[0])
