"""DCN against its equations."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from turret.models.ranking import dcn

TABLE = 4 + 3 + 6 + 5 + 2
"""Rows: the ids of user, item, item.kind and item.tags, and a and b."""


@pytest.fixture
def model(shown, scattered) -> dcn.DCN:
    return scattered(dcn.DCN(shown.schema, 3, 2, (7, 4), 0.5, False, 0.01))


def test_has_as_many_parameters_as_its_equations(model) -> None:
    cross, deep, out = 2 * (18 + 18), (18 * 7 + 7) + (7 * 4 + 4), (18 + 4) + 1
    assert sum(parameter.numel() for parameter in model.parameters()) == TABLE * 3 + cross + deep + out


def test_is_its_equations(shown, model, affine, relu_layers) -> None:
    """Equations 3 to 5 with the outer product x_0 x_l^T written out."""
    cross = model.networks.cross
    for x, logit in zip(model.vectors(shown.impressions).detach().flatten(1).numpy(), model(shown.impressions).tolist(), strict=True):
        layer = x
        for w, b in zip(cross.weight.detach().numpy(), cross.bias.detach().numpy(), strict=True):
            layer = np.outer(x, layer) @ w + b + layer
        both = np.concatenate([layer, relu_layers(model.networks.mlp, x)])
        assert logit == pytest.approx(affine(model.networks.out, both), abs=1e-10)


def test_its_batch_normalisation_is_in_every_hidden_layer(shown) -> None:
    plain, normalised = (dcn.DCN(shown.schema, 3, 2, (7, 4), 0.5, batch_norm, 0.01) for batch_norm in (False, True))
    assert [sum(isinstance(each, nn.BatchNorm1d) for each in model.modules()) for model in (plain, normalised)] == [0, 2]
