"""The multi-layer perceptron."""

from __future__ import annotations

import torch

from turret.nn.mlp import MLP


def test_layers_are_affine_maps_cut_at_zero() -> None:
    mlp = MLP(3, [5, 2], dropout=0.5).eval()
    first, second = mlp.layers[0], mlp.layers[3]
    inputs = torch.randn(7, 3)
    hidden = (inputs @ first.weight.T + first.bias).clamp(min=0)
    torch.testing.assert_close(mlp(inputs), (hidden @ second.weight.T + second.bias).clamp(min=0))
    assert mlp.out == 2


def test_dropout_acts_in_training_only() -> None:
    mlp = MLP(3, [1000], dropout=0.5)
    inputs = torch.randn(1, 3)
    kept = mlp.eval()(inputs) > 0
    dropped = (mlp.train()(inputs)[kept] == 0).float().mean()
    assert 0.3 < dropped < 0.7


def test_without_hidden_layers_the_input_comes_out() -> None:
    inputs = torch.randn(2, 3)
    mlp = MLP(3, [])
    assert mlp.out == 3
    assert torch.equal(mlp(inputs), inputs)
