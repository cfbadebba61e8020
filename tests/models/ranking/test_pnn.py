"""PNN against its equations, with all products written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from turret.models.ranking.pnn import PNN, Config


@pytest.mark.parametrize(("product", "weights"), [("inner", 7 * 6), ("outer", 7 * 3 * 3)])
def test_parameters(shown: Any, product: Any, weights: int) -> None:
    rows = 4 + 3 + 6 + 5 + 2
    count = sum(each.numel() for each in PNN(shown.schema, 3, product, (7, 4), 0.5, 0.01).parameters())
    assert count == rows * 3 + (6 * 3 * 7 + 7) + weights + (7 * 4 + 4) + (4 + 1)


def rest(model: PNN, v: np.ndarray, l_p: list[float]) -> float:
    """The logit, given the product signals."""
    first, (second,), out = model.linear, [each for each in model.mlp.layers if isinstance(each, torch.nn.Linear)], model.out
    l_1 = np.maximum(first.weight.detach().numpy() @ v.flatten() + np.array(l_p) + first.bias.detach().numpy(), 0)
    l_2 = np.maximum(second.weight.detach().numpy() @ l_1 + second.bias.detach().numpy(), 0)
    return float(out.weight.detach().numpy()[0] @ l_2) + float(out.bias.detach())


def test_inner_products_are_weighted_by_theta_theta(shown: Any, scattered: Any) -> None:
    model = scattered(PNN(shown.schema, 3, "inner", (7, 4), 0.5, 0.01))
    for v, logit in zip(model.vectors(shown.impressions).detach().numpy(), model(shown.impressions).squeeze(1).tolist(), strict=True):
        thetas = model.products.theta.detach().numpy()
        l_p = [sum(theta[i] * theta[j] * float(v[i] @ v[j]) for i in range(6) for j in range(6)) for theta in thetas]
        assert logit == pytest.approx(rest(model, v, l_p), abs=1e-10)


def test_outer_products_are_summed_over_all_pairs(shown: Any, scattered: Any) -> None:
    model = scattered(PNN(shown.schema, 3, "outer", (7, 4), 0.5, 0.01))
    for v, logit in zip(model.vectors(shown.impressions).detach().numpy(), model(shown.impressions).squeeze(1).tolist(), strict=True):
        p = sum((np.outer(v[i], v[j]) for i in range(6) for j in range(6)), np.zeros((3, 3)))
        l_p = [float((w.reshape(3, 3) * p).sum()) for w in model.products.weights.weight.detach().numpy()]
        assert logit == pytest.approx(rest(model, v, l_p), abs=1e-10)


def test_products_need_a_layer_to_enter() -> None:
    with pytest.raises(ValueError, match="mlp_layers"):
        Config(mlp_layers=())
