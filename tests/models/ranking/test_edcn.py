"""EDCN against its equations."""

from __future__ import annotations

import numpy as np
import pytest

from turret.models.ranking import edcn

TABLE = 4 + 3 + 6 + 5 + 2
"""Rows: the ids of user, item, item.kind and item.tags, and a and b."""


@pytest.fixture
def model(shown, scattered) -> edcn.EDCN:
    return scattered(edcn.EDCN(shown.schema, 3, 2, 0.7, 0.5, 0.01))


def test_has_as_many_parameters_as_its_equations(model) -> None:
    cross, deep, gates, out = 2 * (18 + 18), 2 * (18 * 18 + 18), 2 * 2 * 6, 3 * 18 + 1
    assert sum(parameter.numel() for parameter in model.parameters()) == TABLE * 3 + cross + deep + gates + out


def test_is_its_equations(shown, model, affine, relu_layers) -> None:
    def regulated(layer: int, network: int, x: np.ndarray) -> np.ndarray:
        weights = np.exp(model.gates[layer, network].detach().numpy() / 0.7)
        return np.concatenate([weights[field] / weights.sum() * x[3 * field : 3 * field + 3] for field in range(6)])

    for e, logit in zip(model.vectors(shown.impressions).detach().flatten(1).numpy(), model(shown.impressions).tolist(), strict=True):
        first, bridge = regulated(0, 0, e), e
        for layer in range(2):
            x, h = regulated(layer, 0, bridge), regulated(layer, 1, bridge)
            w, b = (each[layer].detach().numpy() for each in (model.cross.weight, model.cross.bias))
            cross = np.outer(first, x) @ w + b + x
            deep = relu_layers(model.deep[layer], h)
            bridge = cross * deep
        assert logit == pytest.approx(affine(model.out, np.concatenate([cross, deep, bridge])), rel=1e-10, abs=1e-10)
