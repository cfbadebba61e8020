"""SGL against its equations, with every edge that its views leave out known; and what it is without them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
import torch

from turret.core.contracts import Step
from turret.data.prepared import Prepared
from turret.models.graph import lightgcn, sgl

CONFIG = sgl.Config(embed_dim=3, layers=2, drop_rate=0.4, contrast_weight=0.7, contrast_temperature=0.3)
N_USERS, N_ITEMS = 5, 7


def small(config: Any, **training: Any) -> Any:
    update = {"epochs": 3, "batch_size": 4, **training}
    return config.model_copy(update={"training": config.training.model_copy(update=update)})


def kept(model: sgl.SGL, augmentation: str, generator: torch.Generator) -> set[tuple[int, int]]:
    """The edges that a draw leaves in."""
    pairs = list(zip(model.edges.rows.tolist(), model.edges.columns.tolist(), strict=True))
    if augmentation == "node_dropout":
        users = (torch.rand(N_USERS, generator=generator) >= 0.4).tolist()
        items = (torch.rand(N_ITEMS, generator=generator) >= 0.4).tolist()
        return {(user, item) for user, item in pairs if users[user] and items[item]}
    stays = (torch.rand(len(pairs), generator=generator) >= 0.4).tolist()
    return {pair for pair, stay in zip(pairs, stays, strict=True) if stay}


def told(first: np.ndarray, second: np.ndarray, asked: list[int]) -> float:
    total = 0.0
    for node in asked:
        cosines = [one @ first[node] / np.linalg.norm(one) / np.linalg.norm(first[node]) for one in second]
        total -= cosines[node] / 0.3 - math.log(sum(math.exp(cosine / 0.3) for cosine in cosines))
    return total / len(asked)


@pytest.mark.parametrize("augmentation", get_args(sgl.Augmentation))
def test_the_contrast_is_that_of_two_graphs_without_some_edges(
    augmentation: str, asked: Callable[..., Any], adjacency: Callable[..., np.ndarray]
) -> None:
    taken = asked(sgl, CONFIG.model_copy(update={"augmentation": augmentation}), contrast_weight=0.0)
    generator = torch.Generator().manual_seed(int(taken.procedure.objective.state()["0.seed"]))
    views = []
    for _ in range(2):
        if augmentation == "random_walk":
            graphs = [adjacency(kept(taken.model, augmentation, generator)) for _ in range(2)]
        else:
            graphs = [adjacency(kept(taken.model, augmentation, generator))] * 2
        views.append((taken.start + graphs[0] @ taken.start + graphs[1] @ graphs[0] @ taken.start) / 3)
    (first_users, first_items), (second_users, second_items) = (np.split(view, [N_USERS]) for view in views)
    expected = told(first_users, second_users, taken.batch.context.users.tolist())
    expected += told(first_items, second_items, taken.batch.target.tolist())
    assert taken.loss.item() - taken.alone.item() == pytest.approx(0.7 * expected, rel=1e-6)


def test_without_the_contrast_it_is_lightgcn_to_the_last_bit(trained: Callable[..., Any]) -> None:
    shared = {"embed_dim": 3, "layers": 2}
    ours = trained(sgl, small(sgl.Config(**shared, contrast_weight=0.0)))
    theirs = trained(lightgcn, small(lightgcn.Config(**shared)))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert not torch.equal(trained(sgl, small(CONFIG))["users.weight"], theirs["users.weight"])


def test_views_serve_for_an_epoch_and_then_are_others(little: Prepared) -> None:
    torch.manual_seed(0)
    model, views = sgl.build(CONFIG, little), sgl.TwoViews("edge_dropout", 0.4, steps=3)
    generator = torch.Generator().manual_seed(0)
    items = [view.items.dense() for number in range(5) for view in views(model, model.encode(), Step(number, generator))]
    firsts, seconds = items[::2], items[1::2]
    assert not torch.equal(firsts[0], seconds[0])
    for same, views_of in ((True, [0, 1, 2]), (True, [3, 4]), (False, [2, 3])):
        for one, other in pairwise(views_of):
            assert torch.equal(firsts[one], firsts[other]) == same
            assert torch.equal(seconds[one], seconds[other]) == same


@pytest.mark.parametrize("augmentation", get_args(sgl.Augmentation))
def test_an_interrupted_training_goes_on_with_the_views_of_its_epoch(augmentation: str, trained: Callable[..., Any]) -> None:
    config = small(CONFIG.model_copy(update={"augmentation": augmentation}))
    whole = trained(sgl, config)
    for stop in (1, 4, 5):
        assert all(torch.equal(whole[name], value) for name, value in trained(sgl, config, stop).items())
