"""CCPM against its equations, convolution by convolution, place by place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from turret.models.ranking.ccpm import CCPM, Config, largest


def test_parameters(shown: Any) -> None:
    """Of six fields the first pooling keeps (1 - (1/2)^1) 6 = 3, the second 3."""
    rows = 4 + 3 + 6 + 5 + 2
    count = sum(each.numel() for each in CCPM(shown.schema, 2, (3, 2), (4, 5), 0.01).parameters())
    assert count == rows * 2 + (1 * 4) * 2 * 3 + (4 * 5) * 2 * 2 + (5 * 2 * 3 + 1)


@pytest.mark.parametrize(("widths", "kept"), [((3, 2), [3, 3]), ((6, 5, 4), [5, 2, 3]), ((1,), [3])])
def test_is_its_equations(shown: Any, scattered: Any, widths: tuple[int, ...], kept: list[int]) -> None:
    """By the formula (1 - (l / L)^(L - l)) 6 three layers keep (1 - 1/9) 6 = 5.3, then (1 - 2/3) 6 = 2, then 3."""
    maps = (4, 5, 2)[: len(widths)]
    model = scattered(CCPM(shown.schema, 2, widths, maps, 0.01))
    assert model.kept == kept
    for v, logit in zip(model.vectors(shown.impressions).detach().numpy(), model(shown.impressions).squeeze(1).tolist(), strict=True):
        s = [[v[:, d] for d in range(2)]]  # maps, then dimensions, then places
        for convolution, width, count, places in zip(model.convolutions, widths, maps, kept, strict=True):
            w = convolution.weight.detach().numpy().reshape(2, count, len(s), width)
            s = [[pooled(sum(wide(w[d, j, k], s[k][d]) for k in range(len(s))), places) for d in range(2)] for j in range(count)]
        flat = np.concatenate([s[j][d] for d in range(2) for j in range(maps[-1])])
        assert logit == pytest.approx(float(model.out.weight.detach().numpy()[0] @ flat) + float(model.out.bias.detach()), abs=1e-10)


def wide(w: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Every overlap of w with s, however small; what lies outside s is zero."""
    outside = np.zeros(len(w) - 1)
    padded = np.concatenate([outside, s, outside])
    return np.array([float(w @ padded[place : place + len(w)]) for place in range(len(s) + len(w) - 1)])


def pooled(r: np.ndarray, count: int) -> np.ndarray:
    """tanh of those that fewer than `count` others exceed."""
    return np.tanh(np.array([value for value in r if (r > value).sum() < count]))


def test_largest_keeps_the_order() -> None:
    assert largest(torch.tensor([[5.0, 1.0, 9.0, -2.0, 7.0]]), 3).tolist() == [[5.0, 9.0, 7.0]]


def test_widths_and_maps_go_together() -> None:
    with pytest.raises(ValueError, match="equally long"):
        Config(conv_widths=(6, 5), conv_maps=(4,))
