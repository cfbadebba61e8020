"""GDCN against its equations."""

from __future__ import annotations

import numpy as np
import pytest

from turret.models.ranking import gdcn

TABLE = 4 + 3 + 6 + 5 + 2
"""Rows: the ids of user, item, item.kind and item.tags, and a and b."""


@pytest.mark.parametrize(("structure", "read"), [("stacked", 4), ("parallel", 18 + 4)])
def test_has_as_many_parameters_as_its_equations(shown, structure, read) -> None:
    model = gdcn.GDCN(shown.schema, 3, 2, structure, (7, 4), 0.5, False, 0.01)
    cross, deep, out = 2 * (18 * 18 + 18 + 18 * 18), (18 * 7 + 7) + (7 * 4 + 4), read + 1
    assert sum(parameter.numel() for parameter in model.parameters()) == TABLE * 3 + cross + deep + out


@pytest.mark.parametrize("structure", ["stacked", "parallel"])
def test_is_its_equations(shown, scattered, structure, affine, relu_layers) -> None:
    model = scattered(gdcn.GDCN(shown.schema, 3, 2, structure, (7, 4), 0.5, False, 0.01))
    cross = model.networks.cross
    for c0, logit in zip(model.vectors(shown.impressions).detach().flatten(1).numpy(), model(shown.impressions).tolist(), strict=True):
        c = c0
        for transform, gate in zip(cross.transforms, cross.gates, strict=True):
            products, gates = affine(transform, c), affine(gate, c)
            c = np.array([c0[n] * products[n] / (1 + np.exp(-gates[n])) + c[n] for n in range(len(c))])
        deep = relu_layers(model.networks.mlp, c if structure == "stacked" else c0)
        read = deep if structure == "stacked" else np.concatenate([c, deep])
        assert logit == pytest.approx(affine(model.networks.out, read), rel=1e-10, abs=1e-10)
