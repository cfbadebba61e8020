"""AFN against its equations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from turret.models.ranking.afn import AFN, Logarithmic

ROWS = 4 + 3 + 6 + 5 + 2


def afn(shown: Any, *deep_layers: int, batch_norm: bool = True) -> AFN:
    return AFN(shown.schema, 3, 9, (7, 5), deep_layers, batch_norm, 0.3, 0.1)


def test_parameters(shown: Any) -> None:
    """Batch normalisation has a scale, and a shift in place of the bias, for each hidden unit, and none elsewhere."""
    alone = ROWS * 3 + 9 * 6 + (9 * 3 * 7 + 14) + (7 * 5 + 10) + 5 + 1
    deep = ROWS * 3 + (6 * 3 * 8 + 16) + 8
    assert sum(each.numel() for each in afn(shown).parameters()) == alone
    assert sum(each.numel() for each in afn(shown, 8).parameters()) == alone + deep
    assert sum(each.numel() for each in afn(shown, batch_norm=False).parameters()) == alone - 7 - 5


def at_rest(norm: Any, values: np.ndarray) -> np.ndarray:
    """Batch normalisation of [units, ...] by its running mean and variance."""
    mean, variance = (each.detach().numpy().reshape(-1, *[1] * (values.ndim - 1)) for each in (norm.running_mean, norm.running_var))
    values = (values - mean) / np.sqrt(variance + 1e-5)
    return values * norm.weight.detach().numpy() + norm.bias.detach().numpy() if norm.affine else values


def hidden(mlp: Any, a: np.ndarray) -> np.ndarray:
    """Linear, batch normalisation, relu, for each layer of the network at rest."""
    for linear, norm in zip(mlp.layers[0::4], mlp.layers[1::4], strict=True):
        a = np.maximum(at_rest(norm, linear.weight.detach().numpy() @ a), 0)
    return a


@pytest.mark.parametrize("deep_layers", [(), (8,)])
def test_is_its_equations(shown: Any, scattered: Any, deep_layers: tuple[int, ...]) -> None:
    model = scattered(afn(shown, *deep_layers))
    generator = torch.Generator().manual_seed(7)
    for name, buffer in model.named_buffers():
        if "running" in name:
            buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator, dtype=torch.float64))
    vectors = model.vectors(shown.impressions).detach().numpy()
    beside = model.deep.vectors(shown.impressions).detach().numpy() if deep_layers else vectors
    w = model.logarithmic.powers.detach().numpy()
    for e, other, logit in zip(vectors, beside, model(shown.impressions).squeeze(1).tolist(), strict=True):
        logarithms = at_rest(model.logarithmic.before, np.log(np.maximum(np.abs(e), 1e-4)))
        neurons = np.array([[np.exp(sum(w[j, i] * logarithms[i, d] for i in range(6))) for d in range(3)] for j in range(9)])
        a = hidden(model.mlp, at_rest(model.logarithmic.after, neurons).ravel())
        if deep_layers:
            a = np.concatenate([a, hidden(model.deep.mlp, other.ravel())])
        assert logit == pytest.approx(float(model.out.weight.detach().numpy()[0] @ a) + model.out.bias.item(), abs=1e-10)


def test_a_neuron_is_a_product_of_powers() -> None:
    """With powers 2, 1 and 0, and means and variances that change nothing: |e_1|^2 |e_2|."""
    layer = Logarithmic(fields=3, neurons=1, std=0.1).double().eval()
    fields = torch.tensor([[[2.0, -0.5], [-3.0, 4.0], [7.0, 0.0]]], dtype=torch.float64)
    with torch.no_grad():
        layer.powers.copy_(torch.tensor([[2.0, 1.0, 0.0]]))
        for norm in (layer.before, layer.after):
            norm.running_var.fill_(1 - 1e-5)
        torch.testing.assert_close(layer(fields), torch.tensor([[[12.0, 1.0]]], dtype=torch.float64))


def test_no_number_is_too_small_for_a_logarithm(shown: Any) -> None:
    model = afn(shown)
    nothing = replace(shown.impressions, floats=torch.zeros(5, 2), tokens=torch.zeros(5, 3, dtype=torch.int64))
    logits = model(nothing)
    logits.sum().backward()
    assert logits.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
