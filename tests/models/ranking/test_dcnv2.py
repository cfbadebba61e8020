"""DCN-V2 against its equations."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from turret.core.features import Schema
from turret.models.ranking import dcnv2
from turret.nn.deep_and_cross import Structure

TABLE = 4 + 3 + 6 + 5 + 2
"""Rows: the ids of user, item, item.kind and item.tags, and a and b."""


def build(schema: Schema, structure: Structure = "stacked", low_rank: int | None = None, experts: int = 1) -> dcnv2.DCNv2:
    return dcnv2.DCNv2(schema, 3, 2, structure, low_rank, experts, (7, 4), 0.5, False, 0.01)


def layers(affine, model: dcnv2.DCNv2, x: np.ndarray) -> np.ndarray:
    """x_L, one expert and one coordinate at a time."""
    last = x
    for layer in getattr(model.networks.cross, "mixtures", None) or model.networks.cross.transforms:
        if isinstance(layer, nn.Linear):
            turned = affine(layer, last)
        elif isinstance(layer, nn.Sequential):
            v, u = (part.weight.detach().numpy() for part in layer)
            turned = (u @ v) @ last + layer[1].bias.detach().numpy()
        else:
            down, inner, up, bias = (each.detach().numpy() for each in (layer.down, layer.inner, layer.up, layer.bias))
            gates = np.exp(affine(layer.gate, last))
            turned = np.zeros_like(x)
            for i, gate in enumerate(gates / gates.sum()):
                turned += gate * (up[i].T @ np.tanh(inner[i].T @ np.tanh(down[i].T @ last)) + bias)
        last = np.array([x[n] * turned[n] + last[n] for n in range(len(x))])
    return last


SQUARE, LOW, MIXED = 18 * 18 + 18, 2 * 18 * 5 + 18, 3 * (18 * 5 + 5 * 5 + 5 * 18) + 18 + (18 * 3 + 3)
KINDS = [(None, 1, SQUARE), (5, 1, LOW), (5, 3, MIXED)]


@pytest.mark.parametrize(("low_rank", "experts", "layer"), KINDS)
@pytest.mark.parametrize(("structure", "read"), [("stacked", 4), ("parallel", 18 + 4)])
def test_has_as_many_parameters_as_its_equations(shown, structure, read, low_rank, experts, layer) -> None:
    model = build(shown.schema, structure, low_rank, experts)
    deep, out = (18 * 7 + 7) + (7 * 4 + 4), read + 1
    assert sum(parameter.numel() for parameter in model.parameters()) == TABLE * 3 + 2 * layer + deep + out


@pytest.mark.parametrize(("low_rank", "experts"), [(rank, experts) for rank, experts, _ in KINDS])
@pytest.mark.parametrize("structure", ["stacked", "parallel"])
def test_is_its_equations(shown, scattered, structure, low_rank, experts, affine, relu_layers) -> None:
    model = scattered(build(shown.schema, structure, low_rank, experts))
    for x, logit in zip(model.vectors(shown.impressions).detach().flatten(1).numpy(), model(shown.impressions).tolist(), strict=True):
        last = layers(affine, model, x)
        deep = relu_layers(model.networks.mlp, last if structure == "stacked" else x)
        read = deep if structure == "stacked" else np.concatenate([last, deep])
        assert logit == pytest.approx(affine(model.networks.out, read), rel=1e-10, abs=1e-10)


def test_experts_need_a_rank() -> None:
    with pytest.raises(ValueError, match="low_rank"):
        dcnv2.Config(experts=4)
