"""KGIN against its equations, and the paths that it makes of intents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from turret.core.context import Context
from turret.core.contracts import Path, Step
from turret.data.prepared import Prepared
from turret.losses.independence import distance_correlation
from turret.models.knowledge import kgin

from .ways import N_ENTITIES, N_ITEMS, N_USERS, asked, both_ways, every_path, numbers, single_path, taken, ways

CONFIG = kgin.Config(embed_dim=4, layers=3, intents=2, message_dropout=0.3)


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def normalised(rows: list[np.ndarray]) -> np.ndarray:
    return np.array([row / max(np.linalg.norm(row), 1e-12) for row in rows])


@pytest.fixture
def model(with_graph: Prepared, scattered: Callable[[Any], Any]) -> kgin.KGIN:
    return scattered(kgin.build(CONFIG, with_graph))


def test_vectors_are_those_of_a_loop_over_edges(model: kgin.KGIN, with_graph: Prepared) -> None:
    held, edges = numbers(model), both_ways(with_graph)
    users, entities, relations = (held[f"{name}.weight"] for name in ("users", "entities", "relations"))
    intents = softmax(held["intents"]) @ relations
    beta = softmax(users @ intents.T)
    total_users, total_entities = users, entities
    for _ in range(3):
        of_users, of_entities = [], []
        for user in range(N_USERS):
            mean = np.mean([entities[item] for item in taken(with_graph, user)], axis=0)
            of_users.append(mean + sum(beta[user, p] * intents[p] * mean for p in range(2)))
        for entity in range(N_ENTITIES):
            sent = [relations[relation] * entities[tail] for head, relation, tail in edges if head == entity]
            of_entities.append(np.mean(sent, axis=0) if sent else np.zeros(4))
        users, entities = normalised(of_users), normalised(of_entities)
        total_users, total_entities = total_users + users, total_entities + entities
    encoded = model.encode()
    assert encoded.users is not None
    np.testing.assert_allclose(encoded.users.dense().detach().numpy(), total_users, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(encoded.items.dense().detach().numpy(), total_entities[:N_ITEMS], rtol=1e-6, atol=1e-7)


def test_intents_are_held_apart_by_their_weight(model: kgin.KGIN, with_graph: Prepared) -> None:
    losses = []
    for weight in (0.0, 0.7):
        procedure = kgin.recipe(CONFIG.model_copy(update={"independence_weight": weight}), with_graph)
        batch = next(iter(procedure.batches.epoch(torch.Generator().manual_seed(1))))
        losses.append(procedure.objective(model, batch, Step(0, torch.Generator().manual_seed(2))).item())
    held = numbers(model)
    intents = softmax(held["intents"]) @ held["relations.weight"]
    assert losses[1] - losses[0] == pytest.approx(0.7 * distance_correlation(torch.from_numpy(intents)).item())


def test_what_training_blocks_is_there_when_recommending(model: kgin.KGIN) -> None:
    torch.manual_seed(0)
    at_rest = model.encode().items.dense()
    assert not torch.equal(model.train().encode().items.dense(), at_rest)
    assert torch.equal(model.eval().encode().items.dense(), at_rest)


def test_the_only_path_is_found(scattered: Callable[[Any], Any]) -> None:
    model = scattered(kgin.build(CONFIG, single_path()))
    found = model.why(*asked((0, 1), (1, 3), (0, 2), (0, 0)), 3)
    assert [ways(paths) for paths in found] == [[((0, 4, 1), (0, 2))], [((2, 5, 3), (1, 3))], [], []]


def test_a_path_weighs_what_the_users_intents_make_of_its_relations(with_graph: Prepared, scattered: Callable[[Any], Any]) -> None:
    model = scattered(kgin.build(CONFIG.model_copy(update={"layers": 4}), with_graph))
    held, plain = numbers(model), both_ways(with_graph)
    alpha = softmax(held["intents"])
    beta = softmax(held["users.weight"] @ (alpha @ held["relations.weight"]).T)
    several = 0
    for user in range(N_USERS):
        attention = [sum(beta[user, p] * alpha[p, relation] for p in range(2)) for relation in range(6)]
        assert sum(attention) == pytest.approx(1)
        edges = [(edge, attention[edge[1]] / sum(head == edge[0] for head, _, _ in plain)) for edge in plain]
        for item in range(N_ITEMS):
            own = taken(with_graph, user)
            begun = [Path((chosen,), (), 1 / len(own)) for chosen in own if chosen != item]
            expected = sorted((path for each in begun for path in every_path(each, [edges] * 3, item)), key=lambda path: -path.weight)
            found = model.why(*asked((user, item)), 4)[0]
            assert [path.weight for path in found] == pytest.approx([path.weight for path in expected[:4]])
            assert set(ways(found)) <= set(ways(expected))
            several += len(found) > 1
    assert several > 5


def test_users_are_asked_for_by_their_ids(model: kgin.KGIN) -> None:
    encoded = model.encode()
    assert encoded.users is not None
    assert torch.equal(model.query(Context(users=torch.tensor([2, 0])), encoded).vector, encoded.users.dense()[[2, 0]])


def test_a_graph_that_tells_tastes_helps_more_than_one_that_does_not(areas: Callable[..., tuple[float, float]]) -> None:
    training = kgin.Config().training.model_copy(update={"epochs": 30, "learning_rate": 0.01, "batch_size": 64})
    right, wrong = areas(kgin, kgin.Config(embed_dim=16, layers=2, training=training))
    assert right > wrong + 0.1
