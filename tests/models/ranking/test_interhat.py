"""InterHAt against its equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from turret.models.ranking.interhat import InterHAt

ROWS = 4 + 3 + 6 + 5 + 2


def test_parameters(shown: Any) -> None:
    """Two heads of 4 and their merger, a feed-forward layer of 12, two norms; three levels and one among them; the last network."""
    model = InterHAt(shown.schema, 3, 2, 4, 3, (7,), 0.3, 0.01)
    encoder = 3 * (3 * 8) + (8 * 3 + 3) + (3 * 12 + 12) + (12 * 3 + 3) + 2 * (3 + 3)
    assert sum(each.numel() for each in model.parameters()) == ROWS * 3 + encoder + 4 * (3 * 4 + 4) + (3 * 7 + 7) + 7 + 1


def normalised(layer: Any, x: np.ndarray) -> np.ndarray:
    """Mean 0 and variance 1 over the vector, then the layer's scale and shift."""
    x = (x - x.mean()) / np.sqrt(((x - x.mean()) ** 2).mean() + 1e-5)
    return x * layer.weight.detach().numpy() + layer.bias.detach().numpy()


def affine(layer: Any, x: np.ndarray) -> np.ndarray:
    return layer.weight.detach().numpy() @ x + layer.bias.detach().numpy()


def pooled(layer: Any, vectors: list[np.ndarray]) -> np.ndarray:
    w, c = layer.project.weight.detach().numpy(), layer.context.weight.detach().numpy()[0]
    strengths = [np.exp(c @ np.maximum(w @ x, 0)) for x in vectors]
    return sum(s / sum(strengths) * x for s, x in zip(strengths, vectors, strict=True))


def test_is_its_equations(shown: Any, scattered: Any) -> None:
    model = scattered(InterHAt(shown.schema, 3, 2, 4, 3, (7,), 0.3, 0.01))
    vectors = model.vectors(shown.impressions).detach().numpy()
    encoder, (hidden, *_) = model.encoder, model.mlp.layers
    q, k, v = (each.weight.detach().numpy() for each in (encoder.attention.q, encoder.attention.k, encoder.attention.v))
    for e, logit in zip(vectors, model(shown.impressions).squeeze(1).tolist(), strict=True):
        first = []
        for i in range(6):
            heads = []
            for head in (slice(0, 4), slice(4, 8)):
                strengths = [np.exp((q[head] @ e[i]) @ (k[head] @ e[j]) / 2) for j in range(6)]
                heads.append(sum(strengths[j] / sum(strengths) * (v[head] @ e[j]) for j in range(6)))
            z = normalised(encoder.attention_norm, e[i] + np.maximum(affine(encoder.merge, np.concatenate(heads)), 0))
            inner = np.maximum(affine(encoder.feed_forward.inner, z), 0)
            first.append(normalised(encoder.feed_forward_norm, z + affine(encoder.feed_forward.outer, inner)))
        crossed, sums = first, []
        for level in model.levels:
            sums.append(pooled(level, crossed))
            crossed = [sums[-1] * one + x for one, x in zip(first, crossed, strict=True)]
        a = np.maximum(affine(hidden, pooled(model.among_levels, sums)), 0)
        assert logit == pytest.approx(float(affine(model.out, a)[0]), abs=1e-10)
