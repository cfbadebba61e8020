"""KTUP against its equations, pair by pair and triple by triple."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from turret.models.knowledge import ktup


def small(config: ktup.Config, **training: Any) -> ktup.Config:
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def ball(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(1, np.linalg.norm(vectors, axis=1, keepdims=True))


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Naive:
    """The equations over the parameters of a model."""

    def __init__(self, model: Any) -> None:
        held = {name: value.detach().numpy() for name, value in model.named_parameters()}
        self.users, self.entities = held["users.weight"], ball(held["entities.weight"])
        self.items = held["items.weight"] + self.entities[:7]
        self.relations, normals = held["scorer.relations.weight"], held["scorer.relation_normals.weight"]
        self.normals = unit(normals)
        self.preferences = held["scorer.own.weight"] + self.relations
        self.planes = unit(held["scorer.own_normals.weight"] + normals)

    def f(self, head: int, relation: int, tail: int) -> float:
        w = self.normals[relation]
        h, t = (self.entities[entity] - (w @ self.entities[entity]) * w for entity in (head, tail))
        return float(((h + self.relations[relation] - t) ** 2).sum())

    def g(self, user: int, item: int, hard: bool = False) -> float:
        u, i = self.users[user], self.items[item]
        fit = np.exp(self.preferences @ (u + i))
        share = (fit == fit.max()).astype(float) if hard else fit / fit.sum()
        p, w = share @ self.preferences, share @ self.planes
        return float((((u - (w @ u) * w) + p - (i - (w @ i) * w)) ** 2).sum())


def test_scores_and_both_losses(joint: Callable[..., Any], all_scores: Callable[..., np.ndarray]) -> None:
    config = small(ktup.Config(embed_dim=4, knowledge_weight=0.4, knowledge_margin=0.8, negative_count=2), batch_size=8)
    taken = joint(ktup, config)
    naive = Naive(taken.model)
    g = np.array([[naive.g(user, item) for item in range(7)] for user in range(4)])
    np.testing.assert_allclose(all_scores(taken.model), -g, rtol=1e-9)
    of_pairs = np.mean([np.mean([np.logaddexp(0, g[u, i] - g[u, j]) for j in others]) for u, i, others in taken.pairs])
    of_facts = np.mean([max(0, naive.f(*true) + 0.8 - naive.f(*false)) for true, false in taken.facts])
    assert of_facts > 0
    assert taken.loss.item() == pytest.approx(of_pairs + 0.4 * of_facts, rel=1e-9)
    replaced = {tuple(one == other for one, other in zip(true, false, strict=True)) for true, false in taken.facts}
    assert replaced == {(True, True, False), (False, True, True)}  # heads and tails


def test_with_hard_choices_a_pair_has_one_preference(joint: Callable[..., Any], all_scores: Callable[..., np.ndarray]) -> None:
    model = joint(ktup, small(ktup.Config(embed_dim=4, induction="hard"), batch_size=8)).model
    naive = Naive(model)
    expected = [[-naive.g(user, item, hard=True) for item in range(7)] for user in range(4)]
    np.testing.assert_allclose(all_scores(model), expected, rtol=1e-9)


@pytest.mark.parametrize("induction", ["soft", "hard"])
def test_a_graph_that_says_what_matters_is_learnt_from(induction: Any, areas: Callable[..., tuple[float, float]]) -> None:
    config = small(ktup.Config(embed_dim=16, induction=induction, knowledge_weight=1.0), epochs=150, batch_size=64, learning_rate=0.01)
    right, wrong = areas(ktup, config)
    assert right > wrong + 0.05
