"""FmFM against its equation."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
import torch

from turret.models.ranking.fm import FM
from turret.models.ranking.fmfm import FmFM


def test_parameters(shown: Any) -> None:
    rows = 4 + 3 + 6 + 5 + 2
    count = sum(each.numel() for each in FmFM(shown.schema, 3, 0.01).parameters())
    assert count == 1 + rows + rows * 3 + (6 * 5 // 2) * 3 * 3


def test_is_its_equation(shown: Any, scattered: Any) -> None:
    model = scattered(FmFM(shown.schema, 3, 0.01))
    vectors, m = model.vectors(shown.impressions).detach().numpy(), model.matrices.detach().numpy()
    linear = model.linear(shown.impressions).squeeze(1).tolist()
    for v, y, logit in zip(vectors, linear, model(shown.impressions).squeeze(1).tolist(), strict=True):
        for place, (i, j) in enumerate(combinations(range(6), 2)):
            y += sum(float(v[i, d] * m[place, d, e] * v[j, e]) for d in range(3) for e in range(3))
        assert logit == pytest.approx(y, abs=1e-10)


def test_begins_as_a_factorisation_machine(shown: Any) -> None:
    fmfm, fm = FmFM(shown.schema, 3, 0.5).double(), FM(shown.schema, 3, 0.5).double()
    fmfm.linear.load_state_dict(fm.linear.state_dict())
    fmfm.vectors.load_state_dict(fm.vectors.state_dict())
    torch.testing.assert_close(fmfm(shown.impressions), fm(shown.impressions))
