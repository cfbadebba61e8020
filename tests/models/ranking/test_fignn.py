"""Fi-GNN against its equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from turret.core.errors import UnsupportedError
from turret.core.features import Schema
from turret.models.ranking.fignn import FiGNN

ROWS = 4 + 3 + 6 + 5 + 2


def test_parameters(shown: Any) -> None:
    """States of width 2 * 4 = 8; the cell has three gates with two matrices and two biases each."""
    model = FiGNN(shown.schema, 3, 2, 4, 3, 0.01)
    graph = 2 * 3 + 2 * 6 * 8 * 8 + 8
    assert sum(each.numel() for each in model.parameters()) == ROWS * 3 + 3 * 3 * 8 + graph + 3 * (2 * 8 * 8 + 2 * 8) + 8 + 8 + 1


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_is_its_equations(shown: Any, scattered: Any) -> None:
    model = scattered(FiGNN(shown.schema, 3, 2, 4, 2, 0.01))
    vectors = model.vectors(shown.impressions).detach().numpy()
    q, k, v = (each.weight.detach().numpy() for each in (model.attention.q, model.attention.k, model.attention.v))
    edge = np.concatenate([model.edges.source.weight.detach().numpy()[0], model.edges.target.weight.detach().numpy()[0]])
    w_in, w_out, b_p = (each.detach().numpy() for each in (model.incoming, model.outgoing, model.bias))
    (ir, iz, inn), (hr, hz, hn), (bir, biz, bin_), (bhr, bhz, bhn) = (
        np.split(each.detach().numpy(), 3) for each in (model.gru.weight_ih, model.gru.weight_hh, model.gru.bias_ih, model.gru.bias_hh)
    )
    for e, logit in zip(vectors, model(shown.impressions).squeeze(1).tolist(), strict=True):
        first = np.zeros((6, 8))
        for i in range(6):
            for head in (slice(0, 4), slice(4, 8)):
                strengths = [np.exp((q[head] @ e[i]) @ (k[head] @ e[j]) / 2) for j in range(6)]
                first[i, head] = np.maximum(sum(strengths[j] / sum(strengths) * (v[head] @ e[j]) for j in range(6)), 0)
        edges = np.zeros((6, 6))
        for i in range(6):
            scores = {j: float(edge @ np.concatenate([e[i], e[j]])) for j in range(6) if j != i}
            strong = {j: np.exp(score if score > 0 else 0.01 * score) for j, score in scores.items()}
            for j, strength in strong.items():
                edges[i, j] = strength / sum(strong.values())
        h = first
        for _ in range(2):
            after = []
            for i in range(6):
                a = sum(edges[j, i] * (w_in[i] @ w_out[j] @ h[j]) for j in range(6)) + b_p
                r = sigmoid(ir @ a + bir + hr @ h[i] + bhr)
                z = sigmoid(iz @ a + biz + hz @ h[i] + bhz)
                n = np.tanh(inn @ a + bin_ + r * (hn @ h[i] + bhn))
                after.append((1 - z) * n + z * h[i] + first[i])
            h = np.array(after)
        weight, score = model.weight.weight.detach().numpy()[0], model.score.weight.detach().numpy()[0]
        expected = sum((weight @ state + model.weight.bias.item()) * (score @ state) for state in h)
        assert logit == pytest.approx(expected, abs=1e-10)


def test_edges_go_to_others_alone(shown: Any) -> None:
    model = FiGNN(shown.schema, 3, 2, 4, 2, 1.0).double()
    edges = model.edges(model.vectors(shown.impressions))
    assert edges.diagonal(dim1=1, dim2=2).abs().max() == 0
    torch.testing.assert_close(edges.sum(dim=2), torch.ones(5, 6, dtype=torch.float64))


def test_says_why_one_field_is_not_enough() -> None:
    with pytest.raises(UnsupportedError, match="two fields"):
        FiGNN(Schema(numbers=("price",)), 3, 2, 4, 2, 0.01)
