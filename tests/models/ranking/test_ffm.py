"""FFM against its equation."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from turret.core.errors import UnsupportedError
from turret.models.ranking.ffm import FFM


def test_parameters(shown: Any) -> None:
    assert sum(each.numel() for each in FFM(shown.schema, 3, 0.01).parameters()) == (4 + 3 + 6 + 5 + 2) * 5 * 3


def test_is_its_equation(shown: Any, scattered: Any) -> None:
    """The vectors of field i are of the other fields in their order, so that of field j is number j - 1 behind i, and number j before."""
    model = scattered(FFM(shown.schema, 3, 0.01))
    for row, logit in zip(model.vectors(shown.impressions).detach().numpy(), model(shown.impressions).squeeze(1).tolist(), strict=True):
        v = row.reshape(6, 5, 3)
        y = sum(float(v[i, j - 1] @ v[j, i]) for i, j in combinations(range(6), 2))
        assert logit == pytest.approx(y, abs=1e-10)


def test_one_field_is_too_few(shown: Any) -> None:
    with pytest.raises(UnsupportedError, match="pairs of features"):
        FFM(replace(shown.schema, categorical=shown.schema.categorical[:1], tags=(), numbers=()), 3, 0.01)
