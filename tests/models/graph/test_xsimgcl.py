"""XSimGCL against its equations, with its noise known."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from turret.models.graph import simgcl, xsimgcl

CONFIG = xsimgcl.Config(embed_dim=3, layers=3, contrast_layer=2, noise=0.3, contrast_weight=0.7, contrast_temperature=0.3)
N_USERS = 5


def dense(encoded: Any) -> np.ndarray:
    return torch.cat([encoded.users.dense(), encoded.items.dense()]).detach().numpy()


def moved(vectors: np.ndarray) -> np.ndarray:
    parts = []
    for part in np.split(vectors, [N_USERS]):
        noise = torch.rand(part.shape, dtype=torch.float64).numpy()
        parts.append(part + 0.3 * np.sign(part) * noise / np.linalg.norm(noise, axis=1, keepdims=True))
    return np.concatenate(parts)


def test_training_moves_every_layer_and_recommending_none(asked: Callable[..., Any], adjacency: Callable[..., np.ndarray]) -> None:
    taken, a = asked(xsimgcl, CONFIG), adjacency()
    torch.manual_seed(7)
    found = taken.model.encode()
    torch.manual_seed(7)
    layers = [taken.start]
    for _ in range(3):
        layers.append(moved(a @ layers[-1]))
    np.testing.assert_allclose(dense(found), sum(layers[1:]) / 3, rtol=1e-6, atol=1e-7)
    for layer, expected in zip(found.layers, layers, strict=True):
        np.testing.assert_allclose(dense(layer), expected, rtol=1e-6, atol=1e-7)
    still = sum(np.linalg.matrix_power(a, power) for power in (1, 2, 3)) @ taken.start / 3
    np.testing.assert_allclose(dense(taken.model.eval().encode()), still, rtol=1e-6, atol=1e-7)


def test_the_contrast_is_between_what_recommends_and_one_of_its_layers(asked: Callable[..., Any]) -> None:
    taken = asked(xsimgcl, CONFIG.model_copy(update={"noise": 0.0}), contrast_weight=0.0)
    encoded, expected = taken.model.encode(), 0.0
    sides = zip(*(np.split(dense(view), [N_USERS]) for view in (encoded, encoded.layers[2])), strict=True)
    for (final, layer), ids in zip(sides, (taken.batch.context.users, taken.batch.target), strict=True):
        distinct = sorted(set(ids.tolist()))
        ones, others = (side[distinct] / np.linalg.norm(side[distinct], axis=1, keepdims=True) for side in (final, layer))
        expected += np.mean(
            [math.log(sum(math.exp((one @ (other - own)) / 0.3) for other in others)) for one, own in zip(ones, others, strict=True)]
        )
    assert taken.loss.item() - taken.alone.item() == pytest.approx(0.7 * expected, rel=1e-6)


def test_without_noise_and_contrast_it_is_simgcl_without_them(trained: Callable[..., Any]) -> None:
    shared = {"embed_dim": 3, "noise": 0.0, "contrast_weight": 0.0}
    training = xsimgcl.Config().training.model_copy(update={"epochs": 3, "batch_size": 4})
    ours = trained(xsimgcl, xsimgcl.Config(**shared, training=training))
    theirs = trained(simgcl, simgcl.Config(**shared, training=training))
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_an_interrupted_training_draws_the_noise_that_it_would_have_drawn(trained: Callable[..., Any]) -> None:
    config = CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update={"epochs": 3, "batch_size": 4})})
    whole = trained(xsimgcl, config)
    for stop in (1, 4, 5):
        assert all(torch.equal(whole[name], value) for name, value in trained(xsimgcl, config, stop).items())


def test_a_layer_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError, match="contrast_layer is 3, and there are 2 layers"):
        xsimgcl.Config(contrast_layer=3)
