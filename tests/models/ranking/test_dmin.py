"""DMIN against its equations, written out row by row, step by step and head by head in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from turret.models.ranking.dmin import DMIN
from turret.nn.next_choice import next_choice_loss

HEADS = 2


def numbers(value: torch.Tensor) -> np.ndarray:
    return value.detach().numpy()


def dense(layer: nn.Linear, x: np.ndarray) -> np.ndarray:
    return numbers(layer.weight) @ x + (0.0 if layer.bias is None else numbers(layer.bias))


def norm(layer: nn.LayerNorm, x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / np.sqrt(x.var() + layer.eps) * numbers(layer.weight) + numbers(layer.bias)


def heads(layer: Any, x: list[np.ndarray]) -> list[list[np.ndarray]]:
    """For each step each head's vector, from that step and those before it."""
    d = layer.q.out_features // HEADS
    answers = []
    for t in range(len(x)):
        answers.append([])
        for head in range(HEADS):
            rows = slice(head * d, (head + 1) * d)
            q, keys = dense(layer.q, x[t])[rows], [dense(layer.k, other)[rows] for other in x[: t + 1]]
            scores = np.exp([q @ key / np.sqrt(d) for key in keys])
            values = [dense(layer.v, other)[rows] for other in x[: t + 1]]
            answers[t].append(sum(score / scores.sum() * value for score, value in zip(scores, values, strict=True)))
    return answers


def test_is_its_equations(shown: Any, scattered: Callable[[nn.Module], nn.Module]) -> None:
    model: Any = scattered(DMIN(shown.schema, 4, 50, HEADS, (5,), "relu", (7,), "relu", 0.2, 0.01))
    impressions, behaviours = shown.impressions, shown.impressions.behaviours
    vectors, table, places = numbers(model.vectors(impressions)), numbers(model.vectors.table.weight), numbers(model.positions.weight)
    logits, terms = model.guided(impressions, torch.Generator().manual_seed(0))
    z_all, e_all = torch.zeros(5, 3, 8, dtype=torch.float64), torch.zeros(5, 3, 8, dtype=torch.float64)
    for row, logit in enumerate(logits[:, 0].tolist()):
        v = np.concatenate([vectors[row, 1], vectors[row, 2]])
        tokens = behaviours.tokens[row][behaviours.mask[row]].tolist()
        x = [np.concatenate([table[4 + item], table[4 + 3 + kind]]) for item, kind in tokens]
        z = [norm(model.norm, e + dense(model.refined, np.concatenate(each))) for e, each in zip(x, heads(model.refine, x), strict=True)]
        interests = []
        for number, reader in enumerate(model.interests):
            read, scores = [], []
            for t, each in enumerate(heads(model.extract, z)):
                s = norm(reader.norm, z[t] + dense(reader.project, each[number]))
                s = s + dense(reader.feed_forward.outer, np.maximum(dense(reader.feed_forward.inner, s), 0)) + places[len(z) - 1 - t]
                hidden = np.maximum(dense(reader.attention.unit.layers[0], np.concatenate([s, v, s - v, s * v])), 0)
                read.append(s)
                scores.append(np.exp(dense(reader.attention.out, hidden)[0]))
            interests.append(sum((score / sum(scores) * s for score, s in zip(scores, read, strict=True)), np.zeros(8)))
        hidden = np.maximum(dense(model.mlp.layers[0], np.concatenate([vectors[row].ravel(), *interests])), 0)
        assert logit == pytest.approx(dense(model.out, hidden)[0], abs=1e-10)
        for t in range(len(x)):
            z_all[row, t], e_all[row, t] = torch.from_numpy(z[t]), torch.from_numpy(x[t])
    expected = next_choice_loss(z_all, e_all, behaviours, torch.Generator().manual_seed(0))
    torch.testing.assert_close(terms["auxiliary"], expected)


def test_number_of_parameters(shown: Any) -> None:
    model = DMIN(shown.schema, 4, 50, HEADS, (5,), "relu", (7,), "relu", 0.2, 0.01)
    attention = 3 * 8 * 8 + 2 * 8
    unit = 4 * 8 * 5 + 5 + 5
    interest = 4 * 8 + 2 * 8 + 2 * (8 * 8 + 8) + unit
    network = (6 * 4 + HEADS * 8) * 7 + 7 + 7 + 1
    expected = 20 * 4 + 50 * 8 + 2 * attention + 8 * 8 + 2 * 8 + HEADS * interest + network
    assert sum(parameter.numel() for parameter in model.parameters()) == expected
