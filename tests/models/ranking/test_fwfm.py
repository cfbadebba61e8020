"""FwFM against its equation."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from turret.models.ranking.fwfm import FwFM


def test_parameters(shown: Any) -> None:
    rows = 4 + 3 + 6 + 5 + 2
    assert sum(each.numel() for each in FwFM(shown.schema, 3, 0.01).parameters()) == rows * 3 + (6 * 3 + 1) + 6 * 5 // 2


def test_is_its_equation(shown: Any, scattered: Any) -> None:
    model = scattered(FwFM(shown.schema, 3, 0.01))
    u, r = model.linear.weight.detach().numpy().reshape(6, 3), model.strengths.tolist()
    for v, logit in zip(model.vectors(shown.impressions).detach().numpy(), model(shown.impressions).squeeze(1).tolist(), strict=True):
        y = float(model.linear.bias.detach()) + sum(float(u[i] @ v[i]) for i in range(6))
        for place, (i, j) in enumerate(combinations(range(6), 2)):
            y += r[place] * float(v[i] @ v[j])
        assert logit == pytest.approx(y, abs=1e-10)


def test_begins_as_a_factorisation_machine(shown: Any) -> None:
    model = FwFM(shown.schema, 3, 0.01)
    assert set(model.strengths.tolist()) == {1.0}
    assert model.linear.bias.item() == 0.0
