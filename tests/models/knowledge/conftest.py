"""What tests of models of knowledge graphs share: a small log with a graph, one step of a recipe, and a graph that says what matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.context import Context
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.data.beside import Triples
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.evaluation.catalogue import as_catalogue

USERS = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3]
ITEMS = [0, 2, 5, 1, 5, 6, 0, 1, 0, 3]
GRAPH = [(0, 0, 7), (0, 1, 9), (1, 0, 7), (2, 0, 8), (2, 2, 5), (3, 0, 8), (5, 1, 9), (6, 0, 7), (8, 2, 1), (9, 2, 8)]
"""Seven items, three other entities, three relations; nothing is said of item 4."""


def graph_of(rows: list[tuple[int, int, int]], n_items: int, others: int) -> Triples:
    head, relation, tail = (np.array(column, np.int32) for column in zip(*sorted(rows), strict=True))
    names = (Vocabulary.of(f"{letter}{n}" for n in range(count)) for letter, count in (("e", others), ("r", int(relation.max()) + 1)))
    return Triples(head, relation, tail, n_items, *names)


def prepared_of(pairs: list[tuple[int, int]], n_users: int, n_items: int, triples: Triples | None) -> Prepared:
    user, item = (np.array(column, np.int32) for column in zip(*pairs, strict=True))
    rows = Interactions(user, item, n_users, n_items, time=np.arange(float(len(pairs))))
    users, items = (Entities(Vocabulary.of(f"{letter}{n}" for n in range(count))) for letter, count in (("u", n_users), ("i", n_items)))
    return Prepared("little", n_users, n_items, users, items, {"train": Part(rows)}, triples=triples)


@pytest.fixture
def with_graph() -> Prepared:
    """Four users, seven items, ten triples."""
    return prepared_of(list(zip(USERS, ITEMS, strict=True)), 4, 7, graph_of(GRAPH, 7, 3))


@dataclass(frozen=True)
class Joint:
    """A step of pairs and facts: the model in float64 at weights that hide nothing, the batch, the negatives of its pairs, the loss."""

    model: Any
    batch: Any
    negatives: Tensor
    loss: Tensor

    @property
    def pairs(self) -> list[tuple[int, int, list[int]]]:
        """User, right item, negatives."""
        columns = self.batch.context.users.tolist(), self.batch.target.tolist(), self.negatives.tolist()
        return list(zip(*columns, strict=True))

    @property
    def facts(self) -> list[list[tuple[int, int, int]]]:
        """True triples, each with the false ones beside it."""
        facts = self.batch.facts
        ends = [ids.expand(facts.tails.shape) for ids in (facts.heads, facts.relations, facts.tails)]
        return [[tuple(triple) for triple in row] for row in torch.stack(ends, dim=2).tolist()]


@pytest.fixture
def joint(with_graph: Prepared, scattered: Callable[[Any], Any]) -> Callable[[ModuleType, Any], Joint]:
    """`joint(file, config)`: the first step of a recipe of pairs beside facts."""

    def take(file: ModuleType, config: Any) -> Joint:
        model = scattered(file.build(config, with_graph))
        procedure = file.recipe(config, with_graph)
        batch = next(iter(procedure.batches.epoch(torch.Generator().manual_seed(1))))
        encoded = model.encode()
        query = model.query(batch.context, encoded).vector
        targets = Targets(batch.target, batch.context.users, query.detach(), encoded, model.scorer, batch.places)
        drawn = procedure.objective.main.sampler(targets, Step(0, torch.Generator().manual_seed(2)))
        loss = procedure.objective(model, batch, Step(0, torch.Generator().manual_seed(2)))
        return Joint(model, batch, drawn.items, loss)

    return take


@pytest.fixture
def all_scores() -> Callable[[Any], np.ndarray]:
    """`all_scores(model)`: of the four users, [U, I]."""

    def score(model: Any) -> np.ndarray:
        encoded = model.encode()
        query = model.query(Context(users=torch.arange(4)), encoded).vector
        return model.scorer.all(query, encoded.items.dense()).detach().numpy()

    return score


GROUPS, OF_EACH, TAKEN = 8, 10, 2


def planted(shuffled: bool, among_items: bool = False) -> Prepared:
    """Users who take two items each of their group of ten, and a graph that says which group an item is of, or says so wrongly; by an
    entity of each group, or by triples among the items."""
    drawing = np.random.default_rng(0)
    n = GROUPS * OF_EACH
    pairs = [
        (user, group * OF_EACH + int(item))
        for user in range(n)
        for group in (user % GROUPS,)
        for item in drawing.choice(OF_EACH, TAKEN, replace=False)
    ]
    if among_items:
        name = drawing.permutation(n) if shuffled else np.arange(n)
        mates = [(item, item // OF_EACH * OF_EACH + (item + step) % OF_EACH) for item in range(n) for step in (1, 2, 3)]
        return prepared_of(pairs, n, n, graph_of([(int(name[item]), 0, int(name[mate])) for item, mate in mates], n, 1))
    groups = np.arange(n) // OF_EACH
    groups = drawing.permutation(groups) if shuffled else groups
    return prepared_of(pairs, n, n, graph_of([(item, 0, n + int(group)) for item, group in enumerate(groups)], n, GROUPS))


@torch.inference_mode()
def area(model: Any, prepared: Prepared) -> float:
    """The mean over users of the share of other groups' items that are below an item of the user's group which the user never took."""
    scores = as_catalogue(model).score_all(Context(users=torch.arange(prepared.n_users)))
    found = []
    for user in range(prepared.n_users):
        taken = set(prepared.train.item[prepared.train.user == user].tolist())
        own = [item for item in range(prepared.n_items) if item // OF_EACH == user % GROUPS and item not in taken]
        others = [item for item in range(prepared.n_items) if item // OF_EACH != user % GROUPS]
        found.append((scores[user, own][:, None] > scores[user, others]).double().mean().item())
    return float(np.mean(found))


@pytest.fixture
def areas() -> Callable[..., tuple[float, float]]:
    """`areas(file, config, among_items)`: what a model learns with the graph, and with a graph that is wrong."""

    def learn(file: ModuleType, config: Any, among_items: bool = False) -> tuple[float, float]:
        found = []
        for shuffled in (False, True):
            prepared = planted(shuffled, among_items)
            torch.manual_seed(1)
            model = file.build(config, prepared)
            list(file.recipe(config, prepared).fit(model, 1, torch.device("cpu")))
            found.append(area(model.eval(), prepared))
        return found[0], found[1]

    return learn
