"""FiBiNET against its equations."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from turret.core.errors import UnsupportedError
from turret.core.features import Schema
from turret.models.ranking.fibinet import FiBiNET

ROWS = 4 + 3 + 6 + 5 + 2
PAIRS = list(combinations(range(6), 2))


@pytest.mark.parametrize(("kind", "matrices"), [("all", 1), ("each", 5), ("interaction", 15)])
def test_parameters(shown: Any, kind: Any, matrices: int) -> None:
    model = FiBiNET(shown.schema, 3, 3, kind, (7, 5), 0.3, 0.01)
    deep = (2 * 15 * 3 * 7 + 7) + (7 * 5 + 5) + (5 + 1)
    assert sum(each.numel() for each in model.parameters()) == ROWS + ROWS * 3 + 2 * (6 * 2) + matrices * 3 * 3 + deep


@pytest.mark.parametrize("kind", ["all", "each", "interaction"])
def test_is_its_equations(shown: Any, scattered: Any, kind: Any) -> None:
    model = scattered(FiBiNET(shown.schema, 3, 3, kind, (7, 5), 0.3, 0.01))
    vectors, linear = model.vectors(shown.impressions).detach().numpy(), model.first_order(shown.impressions).tolist()
    w1, w2 = (model.senet.excitation[place].weight.detach().numpy() for place in (0, 2))
    matrices = model.bilinear.weight.detach().numpy()
    for e, first, logit in zip(vectors, linear, model(shown.impressions).squeeze(1).tolist(), strict=True):
        weights = np.maximum(w2 @ np.maximum(w1 @ np.array([each.sum() / 3 for each in e]), 0), 0)
        crossed = []
        for side in (e, [weight * each for weight, each in zip(weights, e, strict=True)]):
            for place, (i, j) in enumerate(PAIRS):
                crossed.append((side[i] @ matrices[{"all": 0, "each": i, "interaction": place}[kind]]) * side[j])
        a = np.concatenate(crossed)
        for layer in (model.mlp.layers[0], model.mlp.layers[3]):
            a = np.maximum(layer.weight.detach().numpy() @ a + layer.bias.detach().numpy(), 0)
        assert logit == pytest.approx(first + float(model.out.weight.detach().numpy()[0] @ a) + model.out.bias.item(), abs=1e-10)


def test_says_why_one_field_is_not_enough() -> None:
    with pytest.raises(UnsupportedError, match="pairs"):
        FiBiNET(Schema(numbers=("price",)), 3, 3, "all", (7,), 0.0, 0.01)
