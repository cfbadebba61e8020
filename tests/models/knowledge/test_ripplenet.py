"""RippleNet against its equations, triple by triple, and the paths through ripple sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from turret.core.context import Context
from turret.core.contracts import Path, Step
from turret.data.prepared import Prepared
from turret.models.knowledge import ripplenet

from .ways import N_ITEMS, N_USERS, asked, both_ways, every_path, numbers, single_path, taken, ways

CONFIG = ripplenet.Config(embed_dim=3, hops=2, ripple_size=5, fact_weight=0.6)


def answer(model: ripplenet.RippleNet, user: int, item: int) -> tuple[float, list[np.ndarray]]:
    """Y, and of each hop p."""
    held = numbers(model)
    e, matrices, w = held["entities.weight"], held["matrices.weight"], held["scorer.update.weight"]
    v, u, relevance = e[item], np.zeros(3), []
    for hop in range(model.heads.shape[1]):
        triples = list(zip(*(held[name][user, hop].tolist() for name in ("heads", "relations", "tails")), strict=True))
        powers = np.array([np.exp(v @ (matrices[relation] @ e[head])) for head, relation, _ in triples])
        p = powers / powers.sum()
        o = sum(share * e[tail] for share, (_, _, tail) in zip(p, triples, strict=True))
        v, u = w @ (v + o), u + o
        relevance.append(p)
    return float(u @ v), relevance


@pytest.fixture
def model(with_graph: Prepared, scattered: Callable[[Any], Any]) -> ripplenet.RippleNet:
    torch.manual_seed(3)
    return scattered(ripplenet.build(CONFIG, with_graph))


def test_ripples_go_on_from_what_users_took(model: ripplenet.RippleNet, with_graph: Prepared) -> None:
    edges = both_ways(with_graph)
    for user in range(N_USERS):
        reached = set(taken(with_graph, user))
        for hop in range(2):
            columns = (getattr(model, name)[user, hop].tolist() for name in ("heads", "relations", "tails"))
            triples = list(zip(*columns, strict=True))
            assert set(triples) <= {edge for edge in edges if edge[0] in reached}
            reached = {tail for _, _, tail in triples}


def test_scores_are_those_of_a_loop_over_triples(
    model: ripplenet.RippleNet, all_scores: Callable[[Any], np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [[answer(model, user, item)[0] for item in range(N_ITEMS)] for user in range(N_USERS)]
    np.testing.assert_allclose(all_scores(model), expected)
    monkeypatch.setattr(ripplenet, "BLOCK", 4 * 5 * 2)  # two items at a time
    np.testing.assert_allclose(all_scores(model), expected)


def test_a_user_of_whose_items_nothing_is_known_has_no_answer(scattered: Callable[[Any], Any], with_graph: Prepared) -> None:
    train = with_graph.train
    train.item[train.user == 3] = 4
    model = scattered(ripplenet.build(CONFIG, with_graph))
    assert model.reached.tolist() == [True, True, True, False]
    encoded = model.encode()
    query = model.query(Context(users=torch.arange(4)), encoded).vector
    scores = model.scorer.all(query, encoded.items.dense())
    assert not scores[3].any() and scores[:3].all()
    assert [len(paths) for paths in model.why(*asked((3, 4), (3, 0)), 3)] == [0, 0]


def test_facts_count_by_their_weight(joint: Callable[..., Any], with_graph: Prepared) -> None:
    taken_step = joint(ripplenet, CONFIG)
    held = numbers(taken_step.model)
    e, matrices = held["entities.weight"], held["matrices.weight"]
    total = 0.0
    for row in taken_step.facts:
        for place, (head, relation, tail) in enumerate(row):
            total += (float(place == 0) - e[head] @ matrices[relation] @ e[tail]) ** 2
    alone = ripplenet.recipe(CONFIG.model_copy(update={"fact_weight": 0.0}), with_graph).objective
    loss = alone(taken_step.model, taken_step.batch, Step(0, torch.Generator().manual_seed(2)))
    assert taken_step.loss.item() - loss.item() == pytest.approx(0.3 * total / len(taken_step.facts))
    expected = 0.0
    for user, item, others in taken_step.pairs:
        scores = [answer(taken_step.model, user, each)[0] for each in (item, *others)]
        expected += np.log1p(np.exp(-scores[0])) + sum(np.log1p(np.exp(score)) for score in scores[1:])
    assert loss.item() == pytest.approx(expected / len(taken_step.pairs), abs=1e-5)


def test_the_only_path_is_found(scattered: Callable[[Any], Any]) -> None:
    model = scattered(ripplenet.build(CONFIG, single_path()))
    found = model.why(*asked((0, 1), (1, 3), (0, 2), (0, 0)), 3)
    assert [ways(paths) for paths in found] == [[((0, 4, 1), (0, 2))], [((2, 5, 3), (1, 3))], [], []]


def test_a_path_weighs_how_relevant_its_triples_are(with_graph: Prepared, scattered: Callable[[Any], Any]) -> None:
    torch.manual_seed(3)
    model = scattered(ripplenet.build(CONFIG.model_copy(update={"hops": 3, "ripple_size": 12}), with_graph))
    several = 0
    for user in range(N_USERS):
        for item in range(N_ITEMS):
            _, relevance = answer(model, user, item)
            edges = []
            for hop, p in enumerate(relevance):
                columns = (getattr(model, name)[user, hop].tolist() for name in ("heads", "relations", "tails"))
                triples = list(zip(*columns, strict=True))
                edges.append([(edge, sum(p[place] for place, other in enumerate(triples) if other == edge)) for edge in set(triples)])
            begun = [Path((chosen,), (), 1.0) for chosen in taken(with_graph, user) if chosen != item]
            expected = sorted((path for each in begun for path in every_path(each, edges, item)), key=lambda path: -path.weight)
            found = model.why(*asked((user, item)), 3)[0]
            assert [path.weight for path in found] == pytest.approx([path.weight for path in expected[:3]])
            assert set(ways(found)) <= set(ways(expected))
            several += len(found) > 1
    assert several > 5


def test_a_graph_that_tells_tastes_helps_more_than_one_that_does_not(areas: Callable[..., tuple[float, float]]) -> None:
    training = ripplenet.Config().training.model_copy(update={"epochs": 40, "batch_size": 64})
    right, wrong = areas(ripplenet, ripplenet.Config(embed_dim=16, ripple_size=16, training=training))
    assert right > wrong + 0.1
