"""CKE against its equations, pair by pair and triple by triple."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from turret.models.knowledge import cke
from turret.training.composition import Composition

CONFIG = cke.Config(embed_dim=4, relation_dim=3, knowledge_weight=0.7)


def small(config: cke.Config, **training: Any) -> cke.Config:
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def item_vectors(model: Any) -> np.ndarray:
    return model.items.weight.detach().numpy() + model.graph.entities.weight.detach().numpy()[:7]


def distance(model: Any, head: int, relation: int, tail: int) -> float:
    entities, matrix = model.graph.entities.weight.detach().numpy(), model.graph.projection.weight.detach().numpy()[relation]
    difference = matrix @ entities[head] + model.graph.relations.weight.detach().numpy()[relation] - matrix @ entities[tail]
    return float(difference @ difference)


def minus_log_sigmoid(value: float) -> float:
    return float(np.logaddexp(0, -value))


def test_scores_and_both_losses(joint: Callable[..., Any], all_scores: Callable[..., np.ndarray]) -> None:
    config = small(CONFIG.model_copy(update={"composition": Composition(loss="bpr", negative_count=2)}), batch_size=8)
    taken = joint(cke, config)
    y = taken.model.users.weight.detach().numpy() @ item_vectors(taken.model).T
    np.testing.assert_allclose(all_scores(taken.model), y, rtol=1e-9)
    assert len(taken.pairs) == len(taken.facts) == 8
    of_pairs = np.mean([np.mean([minus_log_sigmoid(y[u, i] - y[u, j]) for j in others]) for u, i, others in taken.pairs])
    of_facts = np.mean([minus_log_sigmoid(distance(taken.model, *false) - distance(taken.model, *true)) for true, false in taken.facts])
    assert taken.loss.item() == pytest.approx(of_pairs + 0.7 * of_facts, rel=1e-9)
    assert all(true[:2] == false[:2] for true, false in taken.facts)  # only tails are replaced


def test_a_graph_that_says_what_matters_is_learnt_from(areas: Callable[..., tuple[float, float]]) -> None:
    config = small(cke.Config(embed_dim=16, relation_dim=16), epochs=100, batch_size=64, learning_rate=0.01)
    right, wrong = areas(cke, config)
    assert right > wrong + 0.05
