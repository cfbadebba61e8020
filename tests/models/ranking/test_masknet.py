"""MaskNet against its equations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from turret.core.features import Schema
from turret.models.ranking import masknet

TABLE = 4 + 3 + 6 + 5 + 2
"""Rows: the ids of user, item, item.kind and item.tags, and a and b."""


def build(schema: Schema, order: masknet.Order) -> masknet.MaskNet:
    return masknet.MaskNet(schema, 3, order, (7, 4), 1.5, (5,), 0.5, 0.01)


@pytest.mark.parametrize(
    ("order", "second", "read"),
    [("serial", (18 * 10 + 10) + (10 * 7 + 7) + 7 * 4, 4), ("parallel", (18 * 27 + 27) + (27 * 18 + 18) + 18 * 4, 11)],
)
def test_has_as_many_parameters_as_its_equations(shown, order, second, read) -> None:
    """Masks are 18, 7 or 18 wide and their hidden layers 27, 10 (10.5 is rounded to even) or 27; a normalisation has twice its width."""
    first = (18 * 27 + 27) + (27 * 18 + 18) + 18 * 7
    normal, top = 2 * 18 + 2 * 7 + 2 * 4, (read * 5 + 5) + (5 + 1)
    assert sum(parameter.numel() for parameter in build(shown.schema, order).parameters()) == TABLE * 3 + first + second + normal + top


def normalised(x: np.ndarray, scale: torch.Tensor, shift: torch.Tensor) -> np.ndarray:
    mean = sum(x) / len(x)
    deviation = np.sqrt(sum((number - mean) ** 2 for number in x) / len(x) + 1e-5)
    return scale.detach().numpy() * (x - mean) / deviation + shift.detach().numpy()


def block(affine, module: masknet.MaskBlock, v: np.ndarray, x: np.ndarray) -> np.ndarray:
    mask = affine(module.mask[2], np.maximum(affine(module.mask[0], v), 0))
    return np.maximum(normalised(affine(module.hidden[0], mask * x), module.hidden[1].weight, module.hidden[1].bias), 0)


@pytest.mark.parametrize("order", ["serial", "parallel"])
def test_is_its_equations(shown, scattered, order, affine, relu_layers) -> None:
    model = scattered(build(shown.schema, order))
    one, other = model.blocks.blocks
    for fields, logit in zip(model.vectors(shown.impressions).detach().numpy(), model(shown.impressions).tolist(), strict=True):
        v = fields.ravel()
        n = np.concatenate([normalised(fields[field], model.scale[field], model.shift[field]) for field in range(6)])
        read = (
            block(affine, other, v, block(affine, one, v, n))
            if order == "serial"
            else np.concatenate([block(affine, one, v, n), block(affine, other, v, n)])
        )
        assert logit == pytest.approx(affine(model.out, relu_layers(model.mlp, read)), rel=1e-10, abs=1e-10)
