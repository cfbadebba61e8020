"""Attention among fields against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from turret.nn.field_attention import FieldAttention


@pytest.mark.parametrize("scaled", [False, True])
def test_is_its_definition(scaled: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    layer = FieldAttention(width=3, head=4, heads=2, scaled=scaled).double()
    fields = torch.randn(5, 6, 3, generator=generator, dtype=torch.float64)
    q, k, v = (each.weight.detach().numpy() for each in (layer.q, layer.k, layer.v))
    out = layer(fields).detach().numpy()
    assert out.shape == (5, 6, layer.out)
    for row in range(5):
        e = fields[row].numpy()
        for i in range(6):
            for head in (slice(0, 4), slice(4, 8)):
                scores = np.array([q[head] @ e[i] @ (k[head] @ e[j]) for j in range(6)]) / (2 if scaled else 1)
                weights = np.exp(scores) / np.exp(scores).sum()
                expected = sum(weights[j] * (v[head] @ e[j]) for j in range(6))
                np.testing.assert_allclose(out[row, i, head], expected, atol=1e-12)


def test_drops_weights_in_training_alone() -> None:
    layer, fields = FieldAttention(3, 4, 2, scaled=True, dropout=0.5), torch.randn(5, 6, 3)
    assert not torch.equal(layer(fields), layer(fields))
    layer.eval()
    assert torch.equal(layer(fields), layer(fields))
