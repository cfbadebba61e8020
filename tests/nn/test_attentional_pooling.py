"""Attentional pooling against its definition."""

from __future__ import annotations

import numpy as np
import torch

from turret.nn.attentional_pooling import AttentionalPooling


def test_is_its_definition() -> None:
    layer = AttentionalPooling(width=3, hidden=4).double()
    vectors = torch.randn(5, 6, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    w, c = layer.project.weight.detach().numpy(), layer.context.weight.detach().numpy()[0]
    for row, out in zip(vectors.numpy(), layer(vectors).detach().numpy(), strict=True):
        strengths = [np.exp(c @ np.maximum(w @ x, 0)) for x in row]
        np.testing.assert_allclose(out, sum(s * x for s, x in zip(strengths, row, strict=True)) / sum(strengths), atol=1e-12)
