"""BST against its equations, written out row by row, place by place and head by head in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from torch import nn

from turret.models.ranking.bst import BST, Config

HEADS, LONGEST = 2, 4


def dense(layer: nn.Linear, x: np.ndarray) -> np.ndarray:
    return layer.weight.detach().numpy() @ x + layer.bias.detach().numpy()


def norm(layer: nn.LayerNorm, x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / np.sqrt(x.var() + layer.eps) * layer.weight.detach().numpy() + layer.bias.detach().numpy()


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.01 * x)


def block(layer: Any, x: list[np.ndarray]) -> list[np.ndarray]:
    W_q, W_k, W_v = np.split(layer.attention.in_proj_weight.detach().numpy(), 3)
    W_h, d = layer.attention.out_proj.weight.detach().numpy(), len(x[0]) // HEADS
    after = []
    for place, mine in enumerate(x):
        heads = []
        for head in range(HEADS):
            rows = slice(head * d, (head + 1) * d)
            scores = np.exp([(W_q[rows] @ x[place]) @ (W_k[rows] @ other) / np.sqrt(d) for other in x])
            heads.append(sum(score / scores.sum() * (W_v[rows] @ other) for score, other in zip(scores, x, strict=True)))
        s = norm(layer.attention_norm, mine + W_h @ np.concatenate(heads))
        after.append(norm(layer.network_norm, s + dense(layer.network[2], leaky(dense(layer.network[0], s)))))
    return after


@pytest.mark.parametrize("longest", [4, 2])
def test_is_its_equations(shown: Any, scattered: Callable[[nn.Module], nn.Module], longest: int) -> None:
    """With places left over, and with fewer than there are choices."""
    model: Any = scattered(BST(shown.schema, 4, longest, 2, HEADS, (7, 5), 0.2, 0.01))
    impressions, behaviours = shown.impressions, shown.impressions.behaviours
    vectors, table = model.vectors(impressions).detach().numpy(), model.vectors.table.weight.detach().numpy()
    positions = model.positions.weight.detach().numpy()
    for row, logit in enumerate(model(impressions)[:, 0].tolist()):
        latest = behaviours.tokens[row][behaviours.mask[row]].tolist()[::-1][:longest]
        x = [np.concatenate([vectors[row, 1], vectors[row, 2]]), *(np.concatenate([table[4 + i], table[4 + 3 + k]]) for i, k in latest)]
        x = [each + positions[place] for place, each in enumerate(x)]
        for layer in model.blocks:
            x = block(layer, x)
        a = np.concatenate([vectors[row].ravel(), *x, np.zeros(8 * (longest + 1 - len(x)))])
        for place in (0, 3):
            a = leaky(dense(model.mlp.layers[place], a))
        assert logit == pytest.approx(dense(model.out, a)[0], abs=1e-10)


def test_number_of_parameters(shown: Any) -> None:
    model = BST(shown.schema, 4, LONGEST, 2, HEADS, (7, 5), 0.2, 0.01)
    one_block = 4 * 8 * 8 + 2 * (8 * 8 + 8) + 2 * 2 * 8
    network = (6 * 4 + (LONGEST + 1) * 8) * 7 + 7 + 7 * 5 + 5 + 5 + 1
    assert sum(parameter.numel() for parameter in model.parameters()) == 20 * 4 + (LONGEST + 1) * 8 + 2 * one_block + network


def test_heads_that_do_not_share_the_width_are_refused() -> None:
    with pytest.raises(ValidationError, match="10 cannot be shared among 8"):
        Config(embed_dim=10)
