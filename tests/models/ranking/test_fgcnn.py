"""FGCNN against its equations."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from turret.core.features import Schema
from turret.models.ranking.fgcnn import FGCNN, Config

ROWS = 4 + 3 + 6 + 5 + 2


def fgcnn(schema: Schema, batch_norm: bool = True) -> FGCNN:
    """Six fields leave two places after the first pooling by 4 and one after the second: 2 * 2 + 1 * 2 = 6 new features."""
    return FGCNN(schema, 3, (3, 5), (4, 5), 4, 2, (7,), batch_norm, 0.3, 0.01)


def test_parameters(shown: Any) -> None:
    first = 1 * 4 * 3 + 2 * 4 + (2 * 3 * 4) * (4 * 3) + 2 * (4 * 3)
    second = 4 * 5 * 5 + 2 * 5 + (1 * 3 * 5) * (2 * 3) + 2 * (2 * 3)
    deep = (12 * 3 + 12 * 11 // 2) * 7 + 7 + 7 + 1
    assert sum(each.numel() for each in fgcnn(shown.schema).parameters()) == 2 * ROWS * 3 + first + second + deep + 7
    assert sum(each.numel() for each in fgcnn(shown.schema, batch_norm=False).parameters()) == 2 * ROWS * 3 + first + second + deep


def at_rest(norm: Any, values: np.ndarray) -> np.ndarray:
    """Batch normalisation of [units, ...] by its running mean and variance."""
    mean, variance, scale, shift = (
        each.detach().numpy().reshape(-1, *[1] * (values.ndim - 1))
        for each in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return (values - mean) / np.sqrt(variance + 1e-5) * scale + shift


def test_is_its_equations(shown: Any, scattered: Any) -> None:
    model = scattered(fgcnn(shown.schema))
    generator = torch.Generator().manual_seed(7)
    for name, buffer in model.named_buffers():
        if "running" in name:
            buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator, dtype=torch.float64))
    rows = zip(model.vectors(shown.impressions).detach().numpy(), model.raw(shown.impressions).detach().numpy(), strict=True)
    for (e, raw), logit in zip(rows, model(shown.impressions).squeeze(1).tolist(), strict=True):
        maps, features = raw[None], list(e)
        for layer in model.layers:
            convolution, norm = layer.convolve[0].weight.detach().numpy(), layer.convolve[1]
            after, before, span, _ = convolution.shape
            above, places = (span - 1) // 2, maps.shape[1]
            convolved = np.zeros((after, places, 3))
            for n in range(after):
                for p in range(places):
                    for m in range(before):
                        for j in range(span):
                            if 0 <= (at := p + j - above) < places:
                                convolved[n, p] += convolution[n, m, j, 0] * maps[m, at]
            activated = np.tanh(at_rest(norm, convolved))
            maps = np.stack([activated[:, start : start + 4].max(axis=1) for start in range(0, places, 4)], axis=1)
            new = np.tanh(at_rest(layer.recombine[2], layer.recombine[1].weight.detach().numpy() @ maps.ravel()))
            features += list(new.reshape(-1, 3))
        products = [features[i] @ features[j] for i, j in combinations(range(12), 2)]
        linear, norm, *_ = model.mlp.layers
        a = np.maximum(at_rest(norm, linear.weight.detach().numpy() @ np.concatenate([*features, products])), 0)
        assert logit == pytest.approx(float(model.out.weight.detach().numpy()[0] @ a) + model.out.bias.item(), abs=1e-10)


def test_a_single_field_becomes_many() -> None:
    model = FGCNN(Schema(numbers=("price",)), 3, (9, 9, 9), (6, 8, 10), 2, 3, (7,), True, 0.0, 0.01)
    assert model.pairs.count == 10 * 9 / 2


def test_each_convolution_has_a_width_and_maps() -> None:
    with pytest.raises(ValidationError, match="equally long"):
        Config(conv_widths=(9, 9))
