"""FM against its equation."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from turret.models.ranking.fm import FM


def test_parameters(shown: Any) -> None:
    rows = 4 + 3 + 6 + 5 + 2
    assert sum(each.numel() for each in FM(shown.schema, 3, 0.01).parameters()) == 1 + rows + rows * 3


def test_is_its_equation(shown: Any, scattered: Any) -> None:
    model = scattered(FM(shown.schema, 3, 0.01))
    vectors = model.vectors(shown.impressions).detach().numpy()
    linear = model.linear(shown.impressions).squeeze(1).tolist()
    for v, y, logit in zip(vectors, linear, model(shown.impressions).squeeze(1).tolist(), strict=True):
        for i, j in combinations(range(6), 2):
            y += sum(float(v[i, d] * v[j, d]) for d in range(3))
        assert logit == pytest.approx(y, abs=1e-10)
