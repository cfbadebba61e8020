"""DIEN against its equations, written out row by row and step by step in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from turret.models.ranking.dien import DIEN
from turret.nn.next_choice import next_choice_loss


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def interests(gru: nn.GRU, steps: list[np.ndarray]) -> list[np.ndarray]:
    """Equations 2 to 5, with torch's update gate, which says what stays."""
    W, U, b, d = (np.split(value.detach().numpy(), 3) for value in gru.parameters())
    h, states = np.zeros(U[0].shape[1]), []
    for e in steps:
        r = sigmoid(W[0] @ e + b[0] + U[0] @ h + d[0])
        stays = sigmoid(W[1] @ e + b[1] + U[1] @ h + d[1])
        h = stays * h + (1 - stays) * np.tanh(W[2] @ e + b[2] + r * (U[2] @ h + d[2]))
        states.append(h)
    return states


def evolved(layer: Any, states: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """AUGRU."""
    W, U, b = (np.split(value.detach().numpy(), 3) for value in (layer.input.weight, layer.state.weight, layer.input.bias))
    h = np.zeros(U[0].shape[1])
    for a, i in zip(weights, states, strict=True):
        r, u = sigmoid(W[0] @ i + U[0] @ h + b[0]), a * sigmoid(W[1] @ i + U[1] @ h + b[1])
        h = (1 - u) * h + u * np.tanh(W[2] @ i + r * (U[2] @ h) + b[2])
    return h


def test_is_its_equations(shown: Any, scattered: Callable[[nn.Module], nn.Module]) -> None:
    model: Any = scattered(DIEN(shown.schema, 3, 50, "augru", (7,), "relu", 0.0, 0.01))
    impressions, behaviours = shown.impressions, shown.impressions.behaviours
    vectors, table = model.vectors(impressions).detach().numpy(), model.vectors.table.weight.detach().numpy()
    logits, terms = model.guided(impressions, torch.Generator().manual_seed(0))
    states, steps = torch.zeros(5, 3, 6, dtype=torch.float64), torch.zeros(5, 3, 6, dtype=torch.float64)
    for row, logit in enumerate(logits[:, 0].tolist()):
        e_a = np.concatenate([vectors[row, 1], vectors[row, 2]])
        tokens = behaviours.tokens[row][behaviours.mask[row]].tolist()
        earlier = [np.concatenate([table[4 + item], table[4 + 3 + kind]]) for item, kind in tokens]
        h = interests(model.extract, earlier)
        scores = np.exp([state @ model.attend.weight.detach().numpy() @ e_a for state in h])
        final = evolved(model.evolve, h, scores / scores.sum())
        a = np.concatenate([vectors[row].ravel(), final])
        hidden = np.maximum(model.mlp.layers[0].weight.detach().numpy() @ a + model.mlp.layers[0].bias.detach().numpy(), 0)
        expected = model.out.weight.detach().numpy()[0] @ hidden + float(model.out.bias.detach())
        assert logit == pytest.approx(expected, abs=1e-10)
        for t, (state, step) in enumerate(zip(h, earlier, strict=True)):
            states[row, t], steps[row, t] = torch.from_numpy(state), torch.from_numpy(step)
    auxiliary = next_choice_loss(states, steps, behaviours, torch.Generator().manual_seed(0))
    torch.testing.assert_close(terms["auxiliary"], auxiliary)
    torch.testing.assert_close(logits, model(impressions))


@pytest.mark.parametrize(("evolving", "gates"), [("augru", 3), ("agru", 2), ("aigru", 3)])
def test_number_of_parameters(shown: Any, evolving: Any, gates: int) -> None:
    model = DIEN(shown.schema, 3, 50, evolving, (7,), "dice", 0.0, 0.01)
    recurrent = 3 * (6 * 6 + 6 * 6 + 6 + 6) + gates * (6 * 6 + 6 * 6 + 6)
    network = (6 * 3 + 6) * 7 + 7 + 7 + 7 + 1
    assert sum(parameter.numel() for parameter in model.parameters()) == 20 * 3 + recurrent + 6 * 6 + network
