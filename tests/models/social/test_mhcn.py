"""MHCN against its equations, user by user and channel by channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from turret.core.context import Context, Positives
from turret.core.contracts import Step
from turret.data.beside import Social
from turret.data.prepared import Prepared
from turret.graphs.motifs import motif_adjacency
from turret.models.social import mhcn

CONFIG = mhcn.Config(embed_dim=3, layers=2, least_shared=1, supervision_weight=0.7)


def small(config: Any, **training: Any) -> Any:
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gated(gate: Any, x: np.ndarray) -> np.ndarray:
    return x * sigmoid(x @ numbers(gate.linear.weight).T + numbers(gate.linear.bias))


def means(matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    """In row r the mean of x weighted by row r, zeros where the row has none."""
    return np.array([row @ x / row.sum() if row.any() else np.zeros(x.shape[1]) for row in matrix])


def summed(layers: tuple[np.ndarray, ...]) -> np.ndarray:
    first, *others = layers
    return first + sum(np.array([row / np.linalg.norm(row) if row.any() else row for row in layer]) for layer in others)


def channels(data: Prepared, least: int = 1) -> list[np.ndarray]:
    assert data.social is not None
    motifs = motif_adjacency(data.social.source, data.social.target, data.train.user, data.train.item, data.n_users, data.n_items)
    purchase = motifs.purchase.toarray()
    return [motifs.social.toarray(), motifs.joint.toarray(), np.where(purchase >= least, purchase, 0)]


def attended(model: mhcn.MHCN, vectors: list[np.ndarray]) -> np.ndarray:
    outer, inner = numbers(model.attention.outer.weight)[0], numbers(model.attention.inner.weight)
    result = []
    for of_user in zip(*vectors, strict=True):
        powers = np.exp([outer @ (inner @ vector) for vector in of_user])
        result.append(sum(power / powers.sum() * vector for power, vector in zip(powers, of_user, strict=True)))
    return np.array(result)


@pytest.mark.parametrize("least", [1, 2])
def test_vectors_are_those_of_three_channels_and_of_the_choices(least: int, little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model, matrices = scattered(mhcn.build(CONFIG.model_copy(update={"least_shared": least}), little)), channels(little, least)
    assert all(matrix.any() for matrix in matrices)
    chose = np.zeros((little.n_users, little.n_items))
    chose[little.train.user, little.train.item] = 1
    users, items = numbers(model.users.weight), numbers(model.items.weight)
    parts, simple = [gated(gate, users) for gate in model.gates], gated(model.simple_gate, users)
    layers: list[tuple[Any, ...]] = [(*parts, simple, items)]
    for _ in range(2):
        mixed = attended(model, parts) + simple / 2
        parts = [means(matrix, part) for matrix, part in zip(matrices, parts, strict=True)]
        simple, items = means(chose, items), means(chose.T, mixed)
        layers.append((*parts, simple, items))
    *sums, of_simple, of_items = (summed(each) for each in zip(*layers, strict=True))
    encoded = model.encode()
    np.testing.assert_allclose(numbers(encoded.users.dense()), attended(model, sums) + of_simple / 2, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(numbers(encoded.items.dense()), of_items, rtol=1e-6, atol=1e-7)


def test_attention_sums_to_one_for_each_user(little: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(mhcn.build(CONFIG, little))
    weights = model.attention.weights(torch.randn(little.n_users, 3, 3, dtype=torch.float64))
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(little.n_users, 1, dtype=torch.float64))
    assert weights.std() > 0.01


def test_each_place_is_told_from_a_shuffled_one_and_the_graph_knows_it(little: Prepared, asked: Callable[..., Any]) -> None:
    taken = asked(mhcn, CONFIG, little, supervision_weight=0.0)
    generator = torch.Generator().manual_seed(9)
    batch = Positives(Context(users=torch.tensor([0])), torch.tensor([0]))
    loss = mhcn.own_place(taken.model, batch, taken.model.encode(), Step(0, generator))
    generator.manual_seed(9)
    users, expected = numbers(taken.model.encode().users.dense()), 0.0
    for gate, matrix in zip(taken.model.own_gates, channels(little), strict=True):
        own = gated(gate, users)
        near = means(matrix, own)
        rows, columns = (torch.randperm(n, generator=generator).numpy() for n in near.shape)
        graph = near.mean(axis=0)
        for user in range(little.n_users):
            false = near[rows[user]][columns]
            expected -= np.log(sigmoid(own[user] @ near[user] - own[user] @ false))
            expected -= np.log(sigmoid(near[user] @ graph - false @ graph))
    assert loss.item() == pytest.approx(expected / little.n_users, rel=1e-6)
    assert taken.loss.item() - taken.alone.item() > 0


def test_a_channel_without_triangles_is_left_out(little: Prepared) -> None:
    sparse = replace(little, social=Social(np.array([0, 3], np.int32), np.array([1, 4], np.int32)))
    assert not channels(sparse)[0].any()
    assert len(mhcn.build(CONFIG, sparse).channels) == len(mhcn.build(CONFIG, sparse).gates) == 2
    assert len(mhcn.build(CONFIG, little).channels) == 3


def test_an_interrupted_training_shuffles_as_it_would_have(trained: Callable[..., Any]) -> None:
    config = small(CONFIG, epochs=3, batch_size=4)
    whole = trained(mhcn, config)
    for stop in (1, 4, 5):
        assert all(torch.equal(whole[name], value) for name, value in trained(mhcn, config, stop).items())


def test_friends_tell_what_choices_do_not(circles: Prepared, strangers: Prepared, understood: Callable[..., float]) -> None:
    config = small(mhcn.Config(embed_dim=16), epochs=40, batch_size=64, learning_rate=0.01)
    assert understood(mhcn, config, circles) > understood(mhcn, config, strangers) + 0.15
