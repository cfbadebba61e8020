"""DLRM against its equations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from turret.core.errors import UnsupportedError
from turret.core.features import Categorical, Schema
from turret.models.ranking import dlrm

TABLE = 4 + 3 + 6 + 5 + 2
"""Rows: the ids of user, item, item.kind and item.tags, and a and b."""


def test_has_as_many_parameters_as_its_equations(shown) -> None:
    """Four vectors of categories and one of the numbers make ten pairs; without numbers there are six."""
    top = 7 * 4 + 4 + (4 + 1)
    model = dlrm.DLRM(shown.schema, 3, (8,), (7, 4), 0.5, 0.01)
    bottom = (2 * 8 + 8) + (8 * 3 + 3)
    assert sum(parameter.numel() for parameter in model.parameters()) == (TABLE - 2) * 3 + bottom + ((3 + 10) * 7 + 7) + top
    model = dlrm.DLRM(replace(shown.schema, numbers=()), 3, (8,), (7, 4), 0.5, 0.01)
    assert sum(parameter.numel() for parameter in model.parameters()) == (TABLE - 2) * 3 + (6 * 7 + 7) + top


@pytest.mark.parametrize("numbers", [("a", "b"), ()])
def test_is_its_equations(shown, scattered, numbers, affine, relu_layers) -> None:
    model = scattered(dlrm.DLRM(replace(shown.schema, numbers=numbers), 3, (8,), (7, 4), 0.5, 0.01))
    floats, vectors = shown.impressions.floats.numpy(), model.vectors(shown.impressions).detach().numpy()
    for row, logit in enumerate(model(shown.impressions).tolist()):
        dense = [relu_layers(model.bottom, floats[row])] if numbers else []
        z = [*dense, *vectors[row]]
        read = [number for vector in dense for number in vector]
        for i in range(len(z)):
            for j in range(i + 1, len(z)):
                read.append(sum(z[i][d] * z[j][d] for d in range(3)))
        assert logit == pytest.approx(affine(model.out, relu_layers(model.mlp, np.array(read))), rel=1e-10, abs=1e-10)


def test_one_feature_is_too_few() -> None:
    with pytest.raises(UnsupportedError, match="pairs"):
        dlrm.DLRM(Schema((Categorical("user", 4),)), 3, (8,), (7, 4), 0.5, 0.01)
