"""MKR against its equations, and its two tasks in their turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from turret.core.contracts import Step, Targets
from turret.data.prepared import Prepared
from turret.models.knowledge import mkr
from turret.training.alternate import Part

Numbers = np.ndarray
CONFIG = mkr.Config(embed_dim=4, low_layers=2, high_layers=2, negative_count=2)


def small(config: mkr.Config, **training: Any) -> mkr.Config:
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def sigmoid(value: Any) -> Any:
    return 1 / (1 + np.exp(-value))


class Naive:
    """The equations over the parameters of a model, with the matrices C written out."""

    def __init__(self, model: Any, affine: Callable[..., Numbers], relu_layers: Callable[..., Numbers]) -> None:
        self.model, self.affine, self.relu_layers = model, affine, relu_layers
        self.tables = {name: getattr(model, name).weight.detach().numpy() for name in ("users", "items", "entities", "relations")}

    def exchanged(self, item: int) -> tuple[Numbers, Numbers]:
        v, e = self.tables["items"][item], self.tables["entities"][item]
        for unit in self.model.units:
            (w_vv, w_ve), (w_ev, w_ee), (b_v, b_e) = (held.detach().numpy() for held in (unit.of_e.T, unit.of_v.T, unit.bias))
            c = np.outer(v, e)
            v, e = c @ w_vv + c.T @ w_ev + b_v, c @ w_ve + c.T @ w_ee + b_e
        return v, e

    def y(self, user: int, item: int) -> float:
        return float(self.relu_layers(self.model.of_users, self.tables["users"][user]) @ self.exchanged(item)[0])

    def score(self, head: int, relation: int, tail: int) -> float:
        read = np.concatenate([self.exchanged(head)[1], self.relu_layers(self.model.of_relations, self.tables["relations"][relation])])
        hidden, last, _ = self.model.towards_tails
        predicted = sigmoid(self.affine(last, self.relu_layers(hidden, read)))
        return float(sigmoid(self.tables["entities"][tail] @ predicted))


@pytest.fixture
def model(with_graph: Prepared, scattered: Callable[[Any], Any]) -> Any:
    return scattered(mkr.build(CONFIG, with_graph))


@pytest.fixture
def naive(model: Any, affine: Callable[..., Numbers], relu_layers: Callable[..., Numbers]) -> Naive:
    return Naive(model, affine, relu_layers)


def test_scores(model: Any, naive: Naive, all_scores: Callable[..., Numbers]) -> None:
    expected = [[naive.y(user, item) for item in range(7)] for user in range(4)]
    np.testing.assert_allclose(all_scores(model), expected, rtol=1e-9)
    encoded, ids = model.encode(), torch.tensor([[3, 0], [6, 6]])
    torch.testing.assert_close(encoded.items[ids], encoded.items.dense()[ids])
    assert encoded.items.free(ids).shape == (2, 2, 8)


def test_both_losses(model: Any, naive: Naive, with_graph: Prepared) -> None:
    choosing, knowing = mkr.recipe(small(CONFIG, batch_size=8), with_graph).turns
    batch = next(iter(choosing.batches.epoch(torch.Generator().manual_seed(1))))
    users, encoded = batch.context.users, model.encode()
    targets = Targets(batch.target, users, model.query(batch.context, encoded).vector.detach(), encoded, model.scorer, batch.places)
    drawn = choosing.objective.sampler(targets, Step(0, torch.Generator().manual_seed(2))).items
    expected = [
        np.logaddexp(0, -naive.y(user, item)) + sum(np.logaddexp(0, naive.y(user, other)) for other in others)
        for user, item, others in zip(users.tolist(), batch.target.tolist(), drawn.tolist(), strict=True)
    ]
    assert choosing.objective(model, batch, Step(0, torch.Generator().manual_seed(2))).item() == pytest.approx(np.mean(expected), rel=1e-9)

    facts = next(iter(knowing.batches.epoch(torch.Generator().manual_seed(3))))
    rows = zip(facts.heads[:, 0].tolist(), facts.relations[:, 0].tolist(), facts.tails.tolist(), strict=True)
    losses = [np.mean([naive.score(h, r, t) for t in false]) - naive.score(h, r, true) for h, r, (true, *false) in rows]
    assert knowing.objective(model, facts, Step(0, torch.Generator())).item() == pytest.approx(np.mean(losses), rel=1e-9)


def test_the_graph_is_read_from_its_items(with_graph: Prepared) -> None:
    """Turned round where the item is the tail, and left out where neither end is one."""
    _, knowing = mkr.recipe(CONFIG, with_graph).turns
    facts: Any = knowing.batches
    found = set(zip(facts.heads.tolist(), facts.relations.tolist(), facts.tails.tolist(), strict=True))
    assert with_graph.triples is not None
    ends = (ids.tolist() for ids in (with_graph.triples.head, with_graph.triples.relation, with_graph.triples.tail))
    rows = list(zip(*ends, strict=True))
    expected = {(h, r, t) for h, r, t in rows if h < 7} | {(t, r + 3, h) for h, r, t in rows if t < 7}
    assert found == expected
    assert (9, 2, 8) in rows and (8, 5, 9) not in found


def test_each_task_trains_its_part_in_its_turn(with_graph: Prepared) -> None:
    config = small(CONFIG.model_copy(update={"choice_epochs": 2}), epochs=6, batch_size=4)
    torch.manual_seed(0)
    model, procedure = mkr.build(config, with_graph), mkr.recipe(config, with_graph)
    changed = []
    held = {name: value.clone() for name, value in model.state_dict().items()}
    for _ in procedure.fit(model, 1, torch.device("cpu")):
        changed.append({name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, held[name])})
        held = {name: value.clone() for name, value in model.state_dict().items()}
    choices = {"items", "entities", "units", "users", "of_users"}
    knowledge = {"items", "entities", "units", "relations", "of_relations", "towards_tails"}
    assert [each <= choices for each in changed] == [True, True, False] * 2
    assert changed[0] == choices
    assert changed[2] == changed[5] == knowledge
    learnt = [set(dict(Part(model, turn.trains).named_children())) for turn in procedure.turns]
    assert learnt == [choices, knowledge]


def test_a_graph_that_says_what_matters_is_learnt_from(areas: Callable[..., tuple[float, float]]) -> None:
    """By triples among items: where tails are of another kind, the loss is as good as met once that kind is told from items."""
    config = mkr.Config(embed_dim=16, choice_epochs=1, knowledge_rate=1.0, negative_count=4)
    right, wrong = areas(mkr, small(config, epochs=200, batch_size=64, learning_rate=0.02, weight_decay=1e-5), among_items=True)
    assert right > wrong + 0.05
