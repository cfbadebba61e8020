"""ONN against its equations."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch

from turret.models.ranking.onn import ONN


def test_parameters(shown: Any) -> None:
    rows, read = 4 + 3 + 6 + 5 + 2, 6 * 3 + 6 * 5 // 2
    plain = rows * 6 * 3 + (read * 7 + 7) + (7 * 4 + 4) + (4 + 1)
    for batch_norm, more in ((False, 0), (True, 7 + 4)):
        assert sum(each.numel() for each in ONN(shown.schema, 3, (7, 4), 0.5, batch_norm, 0.01).parameters()) == plain + more


def test_is_its_equations(shown: Any, scattered: Any) -> None:
    """Vector 0 of a field is copied; the others are of the other fields in their order, so that of j is number j behind i, j + 1 before."""
    model = scattered(ONN(shown.schema, 3, (7, 4), 0.5, False, 0.01))
    layers = [each for each in model.mlp.layers if isinstance(each, torch.nn.Linear)]
    for row, logit in zip(model.vectors(shown.impressions).detach().numpy(), model(shown.impressions).squeeze(1).tolist(), strict=True):
        v = row.reshape(6, 6, 3)
        a = np.concatenate([*(v[i, 0] for i in range(6)), [float(v[i, j] @ v[j, i + 1]) for i, j in combinations(range(6), 2)]])
        for layer in layers:
            a = np.maximum(layer.weight.detach().numpy() @ a + layer.bias.detach().numpy(), 0)
        y = float(model.out.weight.detach().numpy()[0] @ a) + float(model.out.bias.detach())
        assert logit == pytest.approx(y, abs=1e-10)
