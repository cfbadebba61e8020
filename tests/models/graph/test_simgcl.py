"""SimGCL against its equations, with its noise known; and what it is without."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from turret.core.contracts import Step
from turret.data.prepared import Prepared
from turret.models.graph import lightgcn, simgcl

CONFIG = simgcl.Config(embed_dim=3, layers=2, noise=0.3, contrast_weight=0.7, contrast_temperature=0.3)
N_USERS, N_ITEMS = 5, 7


def dense(encoded: Any) -> np.ndarray:
    return torch.cat([encoded.users.dense(), encoded.items.dense()]).detach().numpy()


def moved(vectors: np.ndarray, generator: torch.Generator) -> np.ndarray:
    parts = []
    for part in np.split(vectors, [N_USERS]):
        noise = torch.rand(part.shape, generator=generator, dtype=torch.float64).numpy()
        parts.append(part + 0.3 * np.sign(part) * noise / np.linalg.norm(noise, axis=1, keepdims=True))
    return np.concatenate(parts)


def test_it_recommends_by_the_mean_of_the_layers_without_the_first(
    little: Prepared, scattered: Callable[[Any], Any], adjacency: Callable[..., np.ndarray]
) -> None:
    model, a = scattered(simgcl.build(CONFIG, little)), adjacency()
    start = torch.cat([model.users.weight, model.items.weight]).detach().numpy()
    np.testing.assert_allclose(dense(model.encode()), (a @ start + a @ a @ start) / 2, rtol=1e-6, atol=1e-7)


def test_a_view_moves_every_layer_and_the_contrast_is_within_the_batch(
    asked: Callable[..., Any], adjacency: Callable[..., np.ndarray]
) -> None:
    taken, a = asked(simgcl, CONFIG, contrast_weight=0.0), adjacency()
    generator = torch.Generator().manual_seed(9)
    views = taken.model.views(taken.model.encode(), Step(0, generator))
    generator.manual_seed(9)
    for view in views:
        one = moved(a @ taken.start, generator)
        two = moved(a @ one, generator)
        np.testing.assert_allclose(dense(view), (one + two) / 2, rtol=1e-6, atol=1e-7)
    assert (np.linalg.norm(one - a @ taken.start, axis=1)[:N_USERS] <= 0.3 + 1e-9).all()


def test_the_loss_tells_each_node_of_the_batch_from_the_others(asked: Callable[..., Any]) -> None:
    """Without noise both views are what it recommends by."""
    taken = asked(simgcl, CONFIG.model_copy(update={"noise": 0.0}), contrast_weight=0.0)
    users, items = np.split(dense(taken.model.encode()), [N_USERS])
    expected = 0.0
    for side, ids in ((users, taken.batch.context.users), (items, taken.batch.target)):
        distinct = sorted(set(ids.tolist()))
        unit = side[distinct] / np.linalg.norm(side[distinct], axis=1, keepdims=True)
        expected += np.mean([math.log(sum(math.exp((one @ other - 1) / 0.3) for other in unit)) for one in unit])
    assert taken.loss.item() - taken.alone.item() == pytest.approx(0.7 * expected, rel=1e-6)


def test_without_the_contrast_it_is_lightgcn_without_layer_0(asked: Callable[..., Any]) -> None:
    """Its mean of layers 1..K and LightGCN's of 0..K differ by layer 0 alone, and so does the recipe by what is beside BPR."""
    ours = asked(simgcl, CONFIG.model_copy(update={"contrast_weight": 0.0, "noise": 0.0}))
    theirs = asked(lightgcn, lightgcn.Config(embed_dim=3, layers=2))
    np.testing.assert_allclose(3 * dense(theirs.model.encode()), 2 * dense(ours.model.encode()) + ours.start, rtol=1e-6, atol=1e-7)
    assert torch.equal(ours.loss, ours.alone)


def test_an_interrupted_training_draws_the_noise_that_it_would_have_drawn(trained: Callable[..., Any]) -> None:
    config = CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update={"epochs": 3, "batch_size": 4})})
    whole = trained(simgcl, config)
    for stop in (1, 4, 5):
        assert all(torch.equal(whole[name], value) for name, value in trained(simgcl, config, stop).items())
