"""Deep Crossing against its equations."""

from __future__ import annotations

import numpy as np
import pytest

from turret.models.ranking import deepcrossing

TABLE = 4 + 3 + 6 + 5 + 2
"""Rows: the ids of user, item, item.kind and item.tags, and a and b."""


@pytest.fixture
def model(shown, scattered) -> deepcrossing.DeepCrossing:
    return scattered(deepcrossing.DeepCrossing(shown.schema, 3, (7, 4), 0.01))


def test_has_as_many_parameters_as_its_equations(model) -> None:
    units = (18 * 7 + 7) + (7 * 18 + 18) + (18 * 4 + 4) + (4 * 18 + 18)
    assert sum(parameter.numel() for parameter in model.parameters()) == TABLE * 3 + 6 * 3 + units + (18 + 1)


def test_is_its_equations(shown, model, affine) -> None:
    vectors, bias = model.vectors(shown.impressions).detach().numpy(), model.bias.detach().numpy()
    for fields, logit in zip(vectors, model(shown.impressions).tolist(), strict=True):
        x = np.concatenate([np.maximum(fields[j] + bias[j], 0) for j in range(6)])
        for unit in model.units:
            x = np.maximum(affine(unit.second, np.maximum(affine(unit.first, x), 0)) + x, 0)
        assert logit == pytest.approx(affine(model.out, x), rel=1e-10, abs=1e-10)
