"""xDeepFM against its equations."""

from __future__ import annotations

import numpy as np
import pytest

from turret.core.features import Schema
from turret.models.ranking import xdeepfm

TABLE = 4 + 3 + 6 + 5 + 2
"""Rows: the ids of user, item, item.kind and item.tags, and a and b."""


def build(schema: Schema, activation: xdeepfm.Activation, split_half: bool) -> xdeepfm.XDeepFM:
    return xdeepfm.XDeepFM(schema, 3, (4, 2, 5), activation, split_half, (7, 4), 0.5, 0.01)


@pytest.mark.parametrize(
    ("split_half", "maps", "out"),
    [(False, 4 * (6 * 6) + 2 * (4 * 6) + 5 * (2 * 6), 4 + 2 + 5), (True, 4 * (6 * 6) + 2 * (2 * 6) + 5 * (1 * 6), 2 + 1 + 5)],
)
def test_has_as_many_parameters_as_its_equations(shown, split_half, maps, out) -> None:
    model = build(shown.schema, "identity", split_half)
    deep = (18 * 7 + 7) + (7 * 4 + 4)
    assert sum(parameter.numel() for parameter in model.parameters()) == TABLE * (3 + 1) + maps + deep + (4 + out + 1)


@pytest.mark.parametrize("split_half", [False, True])
@pytest.mark.parametrize(("activation", "f"), [("identity", lambda x: x), ("relu", lambda x: np.maximum(x, 0))])
def test_is_its_equations(shown, scattered, activation, f, split_half, affine, relu_layers) -> None:
    """Equations 5 to 9, map by map, field by field."""
    model = scattered(build(shown.schema, activation, split_half))
    linear = model.first_order(shown.impressions).tolist()
    for row, (first, logit) in enumerate(
        zip(model.vectors(shown.impressions).detach().numpy(), model(shown.impressions).tolist(), strict=True)
    ):
        maps, sums = first, []
        for number, weight in enumerate(weight.detach().numpy() for weight in model.cin.weights):
            layer = np.zeros((len(weight), 3))
            for h in range(len(layer)):
                for i in range(len(maps)):
                    for j in range(len(first)):
                        layer[h] += weight[h, i * len(first) + j] * maps[i] * first[j]
            layer = f(layer)
            halved = split_half and number < 2
            sums += [each.sum() for each in (layer[len(layer) // 2 :] if halved else layer)]
            maps = layer[: len(layer) // 2] if halved else layer
        read = np.concatenate([relu_layers(model.mlp, first.ravel()), sums])
        assert logit == pytest.approx(linear[row] + affine(model.out, read), rel=1e-10, abs=1e-10)


def test_only_even_layers_are_halved() -> None:
    assert xdeepfm.Config(split_half=True, cin_layers=(4, 5)).cin_layers == (4, 5)
    with pytest.raises(ValueError, match="even"):
        xdeepfm.Config(split_half=True, cin_layers=(5, 4))
