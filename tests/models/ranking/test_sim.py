"""SIM against its equations in float64: a search by loops, then the sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch import nn

from turret.core.errors import InputError
from turret.models.ranking.sim import SIM


def model_of(shown: Any, search_by: str | None = None, found: int = 50, recent: int = 2) -> SIM:
    return SIM(shown.schema, 3, 1000, search_by, found, recent, (5,), "relu", (7,), "relu", 0.0, 0.01)


def dense(layer: nn.Linear, x: np.ndarray) -> np.ndarray:
    return layer.weight.detach().numpy() @ x + layer.bias.detach().numpy()


def weighed(layer: Any, choices: list[np.ndarray], v: np.ndarray) -> np.ndarray:
    total = np.zeros_like(v)
    for e in choices:
        hidden = np.maximum(dense(layer.unit.layers[0], np.concatenate([e, v, e - v, e * v])), 0)
        total = total + dense(layer.out, hidden)[0] * e
    return total


@pytest.mark.parametrize("found", [50, 1])
@pytest.mark.parametrize("search_by", [None, "item", "item.kind"])
def test_is_its_equations(shown: Any, scattered: Callable[[nn.Module], nn.Module], search_by: str | None, found: int) -> None:
    model: Any = scattered(model_of(shown, search_by, found))
    impressions, behaviours = shown.impressions, shown.impressions.behaviours
    vectors, table = model.vectors(impressions).detach().numpy(), model.vectors.table.weight.detach().numpy()
    column, hits = 0 if search_by == "item" else 1, 0
    for row, logit in enumerate(model(impressions)[:, 0].tolist()):
        v = np.concatenate([vectors[row, 1], vectors[row, 2]])
        tokens = behaviours.tokens[row][behaviours.mask[row]].tolist()
        same = [each for each in tokens if each[column] == impressions.tokens[row, 1 + column]][-found:]
        hits += len(same)
        long, short = ([np.concatenate([table[4 + i], table[4 + 3 + k]]) for i, k in each] for each in (same, tokens[-2:]))
        a = np.concatenate([vectors[row].ravel(), weighed(model.long, long, v), weighed(model.short, short, v)])
        hidden = np.maximum(dense(model.mlp.layers[0], a), 0)
        assert logit == pytest.approx(dense(model.out, hidden)[0], abs=1e-10)
    assert hits


def test_number_of_parameters(shown: Any) -> None:
    units, network = 2 * (4 * 6 * 5 + 5 + 5 + 1), (6 * 3 + 2 * 6) * 7 + 7 + 7 + 1
    assert sum(parameter.numel() for parameter in model_of(shown).parameters()) == 20 * 3 + units + network


def test_a_feature_that_items_lack_is_named(shown: Any) -> None:
    with pytest.raises(InputError, match=r"no categorical feature named 'user' to search by\n  They have: item, item\.kind"):
        model_of(shown, "user")
