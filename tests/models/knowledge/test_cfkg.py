"""CFKG against its equations, as the paper has it and as a translation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from turret.models.knowledge import cfkg
from turret.nn.translation import TRANSLATIONS, TranslationName
from turret.training.composition import Composition

N_USERS, N_ITEMS, N_ENTITIES, N_RELATIONS = 4, 7, 10, 3


def small(config: cfkg.Config, **training: Any) -> cfkg.Config:
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def softplus(value: float) -> float:
    return float(np.logaddexp(0, value))


def test_the_papers_scores_and_loss(joint: Callable[..., Any], all_scores: Callable[..., np.ndarray]) -> None:
    composition = Composition(loss="binary_cross_entropy", negative_count=2)
    taken = joint(cfkg, small(cfkg.Config(embed_dim=4, knowledge_weight=0.6, composition=composition), batch_size=8))
    nodes, relations = (table.weight.detach().numpy() for table in (taken.model.graph.entities, taken.model.graph.relations))
    assert nodes.shape == (N_ENTITIES + N_USERS, 4)
    assert relations.shape == (N_RELATIONS + 1, 4)

    def score(head: int, relation: int, tail: int) -> float:
        return float((nodes[head] + relations[relation]) @ nodes[tail])

    y = np.array([[score(N_ENTITIES + user, N_RELATIONS, item) for item in range(N_ITEMS)] for user in range(N_USERS)])
    np.testing.assert_allclose(all_scores(taken.model), y, rtol=1e-9)
    of_pairs = np.mean([softplus(-y[u, i]) + sum(softplus(y[u, j]) for j in others) for u, i, others in taken.pairs])
    of_facts = np.mean([softplus(-score(*true)) + sum(softplus(score(*each)) for each in false) for true, *false in taken.facts])
    assert all(len(row) == 3 for row in taken.facts)
    assert taken.loss.item() == pytest.approx(of_pairs + 0.6 * of_facts, rel=1e-9)
    assert all(max(triple[0], triple[2]) < N_ENTITIES for row in taken.facts for triple in row)  # no user is drawn as a tail


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_as_a_translation_it_ranks_by_the_distance_of_chose(
    name: TranslationName, joint: Callable[..., Any], all_scores: Callable[..., np.ndarray]
) -> None:
    composition = Composition(loss="hinge", scorer="euclidean", margin=0.5)
    settings = {"translation": name, "bounded": True, "knowledge_loss": "hinge", "knowledge_margin": 0.7}
    taken = joint(cfkg, small(cfkg.Config(embed_dim=4, **settings, composition=composition), batch_size=8))
    graph = taken.model.graph

    def distance(head: int, relation: int, tail: int) -> float:
        return graph.distance(*(torch.tensor([each]) for each in (head, relation, tail))).item()

    d = np.array([[distance(N_ENTITIES + user, N_RELATIONS, item) for item in range(N_ITEMS)] for user in range(N_USERS)])
    np.testing.assert_allclose(all_scores(taken.model), -d, rtol=1e-9)
    of_pairs = np.mean([max(0, 0.5 + d[u, i] - d[u, j]) for u, i, (j,) in taken.pairs])
    of_facts = np.mean([max(0, 0.7 + distance(*true) - distance(*false)) for true, false in taken.facts])
    assert of_pairs > 0 and of_facts > 0
    assert taken.loss.item() == pytest.approx(of_pairs + of_facts, rel=1e-9)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {
            "translation": "transh",
            "bounded": True,
            "knowledge_loss": "hinge",
            "composition": Composition(loss="hinge", scorer="euclidean", margin=1.0),
        },
    ],
    ids=["paper", "transh"],
)
def test_a_graph_that_says_what_matters_is_learnt_from(settings: Any, areas: Callable[..., tuple[float, float]]) -> None:
    right, wrong = areas(cfkg, small(cfkg.Config(embed_dim=16, **settings), epochs=100, batch_size=64, learning_rate=0.01))
    assert right > wrong + 0.05
