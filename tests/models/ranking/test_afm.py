"""AFM against its equations."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch

from turret.models.ranking.afm import AFM
from turret.models.ranking.fm import FM


def test_parameters(shown: Any) -> None:
    rows = 4 + 3 + 6 + 5 + 2
    count = sum(each.numel() for each in AFM(shown.schema, 3, 7, 0.3, 0.01).parameters())
    assert count == 1 + rows + rows * 3 + (3 * 7 + 7) + 7 + 3


def test_is_its_equations(shown: Any, scattered: Any) -> None:
    model = scattered(AFM(shown.schema, 3, 7, 0.3, 0.01))
    vectors = model.vectors(shown.impressions).detach().numpy()
    linear = model.linear(shown.impressions).squeeze(1).tolist()
    w, b, (h,), (p,) = (each.detach().numpy() for each in (*model.attention.parameters(), model.out.weight))
    for v, y, logit in zip(vectors, linear, model(shown.impressions).squeeze(1).tolist(), strict=True):
        pairs = [v[i] * v[j] for i, j in combinations(range(6), 2)]
        strengths = [np.exp(h @ np.maximum(w @ pair + b, 0)) for pair in pairs]
        pooled = sum(strength / sum(strengths) * pair for strength, pair in zip(strengths, pairs, strict=True))
        assert logit == pytest.approx(y + float(p @ pooled), abs=1e-10)


def test_equal_weights_make_it_a_factorisation_machine(shown: Any, scattered: Any) -> None:
    """Section 3.2 of the paper's special case: h = 0 weighs the 15 pairs alike; p = 15 makes a sum of the mean."""
    afm, fm = scattered(AFM(shown.schema, 3, 7, 0.3, 0.01)), scattered(FM(shown.schema, 3, 0.01))
    afm.linear.load_state_dict(fm.linear.state_dict())
    afm.vectors.load_state_dict(fm.vectors.state_dict())
    with torch.no_grad():
        afm.attention[2].weight.fill_(0.0)
        afm.out.weight.fill_(15.0)
    torch.testing.assert_close(afm(shown.impressions), fm(shown.impressions))
