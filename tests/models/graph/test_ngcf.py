"""NGCF against its equations, node by node and edge by edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from turret.data.prepared import Prepared
from turret.models.graph import ngcf

CONFIG = ngcf.Config(embed_dim=4, layer_widths=(3, 5), message_dropout=0.3, node_dropout=0.4)


def vectors(model: ngcf.NGCF) -> np.ndarray:
    encoded = model.encode()
    assert encoded.users is not None
    return torch.cat([encoded.users.dense(), encoded.items.dense()]).detach().numpy()


def test_vectors_are_those_of_messages_along_every_edge(
    little: Prepared, scattered: Callable[[Any], Any], adjacency: Callable[..., np.ndarray]
) -> None:
    model, p = scattered(ngcf.build(CONFIG, little)), adjacency()
    e = torch.cat([model.users.weight, model.items.weight]).detach().numpy()
    expected = [e]
    for layer in model.layers:
        w1, w2, bias = (each.detach().numpy() for each in (layer.plain.weight, layer.interacting.weight, layer.plain.bias))
        following = []
        for node in range(len(e)):
            total = w1 @ e[node] + bias
            for other in np.flatnonzero(p[node]):
                total = total + p[node, other] * (w1 @ e[other] + w2 @ (e[other] * e[node]))
            following.append(np.where(total > 0, total, 0.2 * total))
        e = np.array(following)
        expected.append(e / np.linalg.norm(e, axis=1, keepdims=True))
    np.testing.assert_allclose(vectors(model), np.concatenate(expected, axis=1), rtol=1e-6, atol=1e-7)


def test_a_blocked_node_sends_nothing_and_the_others_more() -> None:
    layer = ngcf.Messages(3, 2, node_dropout=0.5, message_dropout=0.0).double().train()
    torch.manual_seed(0)
    own = torch.randn(400, 3, dtype=torch.float64)
    sent = layer.sent(own)
    silent = ~sent.any(dim=1)
    assert 150 < silent.sum() < 250
    torch.testing.assert_close(sent[~silent], 2 * own[~silent])
    assert torch.equal(layer.eval().sent(own), own)


def test_what_training_blocks_is_there_when_recommending(little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(ngcf.build(CONFIG, little))
    torch.manual_seed(0)
    assert not np.array_equal(vectors(model.train()), vectors(model))
    assert np.array_equal(vectors(model.eval()), vectors(model))


def test_an_interrupted_training_blocks_what_it_would_have_blocked(trained: Callable[..., Any]) -> None:
    config = CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update={"epochs": 3, "batch_size": 4})})
    whole = trained(ngcf, config)
    for stop in (1, 3, 5):
        assert all(torch.equal(whole[name], value) for name, value in trained(ngcf, config, stop).items())
