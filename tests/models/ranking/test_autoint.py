"""AutoInt against its equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from turret.models.ranking.autoint import AutoInt

ROWS = 4 + 3 + 6 + 5 + 2


def autoint(shown: Any, *mlp_layers: int) -> AutoInt:
    return AutoInt(shown.schema, 3, 2, 2, 4, 0.3, mlp_layers, 0.3, 0.01)


def test_parameters(shown: Any) -> None:
    """Two layers of two heads of 4; each layer has three projections and the residual's."""
    alone = ROWS * 3 + 4 * (3 * 8) + 4 * (8 * 8) + 6 * 8 + 1
    deep = (18 * 7 + 7) + (7 * 5 + 5) + 5
    assert sum(each.numel() for each in autoint(shown).parameters()) == alone
    assert sum(each.numel() for each in autoint(shown, 7, 5).parameters()) == alone + deep


@pytest.mark.parametrize("mlp_layers", [(), (7, 5)])
def test_is_its_equations(shown: Any, scattered: Any, mlp_layers: tuple[int, ...]) -> None:
    model = scattered(autoint(shown, *mlp_layers))
    vectors = model.vectors(shown.impressions).detach().numpy()
    hidden = [layer for layer in model.mlp.layers if hasattr(layer, "weight")] if mlp_layers else []
    for row, logit in zip(vectors, model(shown.impressions).squeeze(1).tolist(), strict=True):
        e = row
        for layer in model.interacting:
            attention = layer.attention
            q, k, v, r = (each.weight.detach().numpy() for each in (attention.q, attention.k, attention.v, layer.residual))
            after = np.zeros((6, 8))
            for m in range(6):
                for head in (slice(0, 4), slice(4, 8)):
                    strengths = [np.exp((q[head] @ e[m]) @ (k[head] @ e[n])) for n in range(6)]
                    after[m, head] = sum(strengths[n] / sum(strengths) * (v[head] @ e[n]) for n in range(6))
                after[m] = np.maximum(after[m] + r @ e[m], 0)
            e = after
        a = row.ravel()
        for layer in hidden:
            a = np.maximum(layer.weight.detach().numpy() @ a + layer.bias.detach().numpy(), 0)
        read = np.concatenate([e.ravel(), a]) if mlp_layers else e.ravel()
        assert logit == pytest.approx(float(model.out.weight.detach().numpy()[0] @ read) + model.out.bias.item(), abs=1e-10)
