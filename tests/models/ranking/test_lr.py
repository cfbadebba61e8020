"""LR over the one-hot vector x: a 1 for a category, 1/n for each of a set of n, the number itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from turret.models.ranking.lr import LR


def test_parameters(shown: Any) -> None:
    assert sum(each.numel() for each in LR(shown.schema, 0.01).parameters()) == 1 + (4 + 3 + 6 + 5 + 2)


def test_is_its_equation(shown: Any, scattered: Any) -> None:
    model, batch = scattered(LR(shown.schema, 0.01)), shown.impressions
    (w,) = model.linear.first_order.weights.table.weight.detach().numpy().T
    ids, mask = batch.sets["item.tags"]
    for row, logit in enumerate(model(batch).squeeze(1).tolist()):
        x = np.zeros(4 + 3 + 6 + 5 + 2)
        for start, token in zip([0, 4, 7], batch.tokens[row].tolist(), strict=True):
            x[start + token] = 1.0
        members = ids[row][mask[row]].tolist()
        for member in members:
            x[13 + member] += 1 / len(members)
        x[18:] = batch.floats[row]
        assert logit == pytest.approx(float(model.linear.bias.detach()) + float(w @ x), abs=1e-10)


def test_predicts_the_first_task_alone(shown: Any) -> None:
    model = LR(shown.schema, 0.01).double()
    assert model.tasks == ("click",)
    assert model(shown.impressions).shape == (5, 1)
