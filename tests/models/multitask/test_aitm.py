"""AITM against its equations, written out row by row along a chain of three tasks, in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from turret.models.multitask.aitm import AITM


def model_of(shown: Any, dropout: float = 0.3) -> AITM:
    return AITM(replace(shown.schema, tasks=("click", "purchase", "return")), 3, (7, 5), dropout, 0.01, "sum", 1.5)


def test_is_its_equations(shown: Any, scattered: Callable[[nn.Module], nn.Module]) -> None:
    model: Any = scattered(model_of(shown))
    logits, terms = model.guided(shown.impressions, torch.Generator())
    excess = []
    for x, found in zip(model.vectors(shown.impressions).flatten(1).detach().numpy(), logits.tolist(), strict=True):
        z, chain = np.zeros(5), []
        for task in range(3):
            q = x
            for layer in (model.towers.layers[0], model.towers.layers[3]):
                q = np.maximum(q @ layer.weight[task].detach().numpy() + layer.bias[task].detach().numpy(), 0)
            if task == 0:
                z = q
            else:
                transfer = model.transfers[task - 1]
                h1, h2, h3 = (layer.weight.detach().numpy() for layer in (transfer.h1, transfer.h2, transfer.h3))
                g = transfer.hand_on[0]
                p = np.maximum(g.weight.detach().numpy() @ z + g.bias.detach().numpy(), 0)
                w = np.exp([(h2 @ u) @ (h3 @ u) / np.sqrt(5) for u in (p, q)])
                z = sum(weight / w.sum() * (h1 @ u) for weight, u in zip(w, (p, q), strict=True))
            chain.append(float(z @ model.out.weight[task].detach().numpy()[:, 0] + model.out.bias[task].detach().numpy()[0]))
        assert found == pytest.approx(chain, abs=1e-10)
        y = 1 / (1 + np.exp(-np.array(chain)))
        excess.append(max(y[1] - y[0], 0) + max(y[2] - y[1], 0))
    assert terms["calibrator"].item() == pytest.approx(np.mean(excess), abs=1e-12)
    assert max(excess) > 0


def test_number_of_parameters(shown: Any) -> None:
    towers, transfers, out = 3 * (18 * 7 + 7 + 7 * 5 + 5), 2 * (5 * 5 + 5 + 3 * 5 * 5), 3 * (5 + 1)
    assert sum(parameter.numel() for parameter in model_of(shown).parameters()) == 20 * 3 + towers + transfers + out
