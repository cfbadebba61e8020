"""What the tests of social models share: a small log with links, steps and interrupted trainings of it, and circles of like taste."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.context import Context
from turret.core.contracts import Step
from turret.core.interactions import Interactions
from turret.data.beside import Social
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary

CHOICES = [(0, 0), (0, 2), (0, 5), (1, 1), (1, 5), (2, 6), (2, 0), (2, 1), (2, 0), (3, 3), (4, 2), (4, 6), (4, 1), (5, 5), (5, 0), (5, 2)]
LINKS = [(0, 1), (0, 2), (0, 3), (1, 0), (1, 2), (2, 0), (2, 1), (3, 1), (3, 4), (4, 0), (4, 2)]
"""Users 0, 1 and 2 are friends of each other; nobody knows user 5."""
N_USERS, N_ITEMS = 6, 7
CPU = torch.device("cpu")


def prepared(name: str, choices: list[tuple[int, int]], links: Social, n_users: int, n_items: int) -> Prepared:
    user, item = np.array(choices, np.int32).T
    rating = ((1 + user * item + item) % 5 + 1).astype(np.float32)
    rows = Interactions(user.copy(), item.copy(), n_users, n_items, time=np.arange(float(len(user))), rating=rating)
    users, items = (Entities(Vocabulary.of(f"{side}{n}" for n in range(count))) for side, count in (("u", n_users), ("i", n_items)))
    return Prepared(name, n_users, n_items, users, items, {"train": Part(rows)}, social=links)


def social(links: list[tuple[int, int]], weight: np.ndarray | None = None) -> Social:
    source, target = np.array(sorted(links), np.int32).T
    return Social(source.copy(), target.copy(), weight)


@pytest.fixture
def little() -> Prepared:
    """Six users, seven items, item 4 never taken, one pair twice."""
    return prepared("little", CHOICES, social(LINKS), N_USERS, N_ITEMS)


@pytest.fixture
def weighed(little: Prepared) -> Prepared:
    """The same, its links with weights."""
    return replace(little, social=social(LINKS, np.arange(1.0, len(LINKS) + 1, dtype=np.float32)))


@dataclass(frozen=True)
class Asked:
    """A step: the model in float64 at weights that hide nothing, the batch, the loss, and the loss without what is beside the main one."""

    model: Any
    procedure: Any
    batch: Any
    loss: Tensor
    alone: Tensor


@pytest.fixture
def asked(scattered: Callable[[Any], Any]) -> Callable[..., Asked]:
    """`asked(file, config, data, **without)`: the first step; `without` are the settings that leave out what is beside the main loss."""

    def take(file: ModuleType, config: Any, data: Prepared, **without: Any) -> Asked:
        model = scattered(file.build(config, data)).train()

        def step(config: Any) -> tuple[Any, Any, Tensor]:
            procedure = file.recipe(config, data)
            batch = next(iter(procedure.batches.epoch(torch.Generator().manual_seed(1))))
            return procedure, batch, procedure.objective(model, batch, Step(0, torch.Generator().manual_seed(2)))

        procedure, batch, loss = step(config)
        return Asked(model, procedure, batch, loss, step(config.model_copy(update=without))[2])

    return take


GROUPS, MEMBERS, KINDS = 24, 5, 4


@pytest.fixture(scope="session")
def circles() -> Prepared:
    """24 circles of five friends, each of whom took one of the circle's four items.

    Nobody took two items, so that who took what tells nothing of which items go together: links alone do.
    """
    generator = np.random.default_rng(3)
    n_users, n_items = GROUPS * MEMBERS, GROUPS * KINDS
    choices = [(user, user // MEMBERS * KINDS + int(generator.integers(KINDS))) for user in range(n_users)]
    links = [(one, other) for one in range(n_users) for other in range(n_users) if one != other and one // MEMBERS == other // MEMBERS]
    return prepared("circles", choices, social(links), n_users, n_items)


@pytest.fixture(scope="session")
def strangers(circles: Prepared) -> Prepared:
    """The same, but links lead anywhere: the users' names in the graph are shuffled."""
    assert circles.social is not None
    names = np.random.default_rng(4).permutation(circles.n_users)
    links = zip(names[circles.social.source].tolist(), names[circles.social.target].tolist(), strict=True)
    return replace(circles, name="strangers", social=social(list(links)))


@pytest.fixture(scope="session")
def understood() -> Callable[..., float]:
    """`understood(file, config, data)`: the share of (new item of the user's circle, item of another one) that a model orders rightly,
    after training."""

    def share(file: ModuleType, config: Any, data: Prepared) -> float:
        torch.manual_seed(4)
        model, procedure = file.build(config, data), file.recipe(config, data)
        list(procedure.fit(model, 1, CPU))
        with torch.inference_mode():
            encoded = model.eval().encode()
            query = model.query(Context(users=torch.arange(data.n_users)), encoded).vector
            scores = model.scorer.all(query, encoded.items.dense()).numpy()
        taken = np.zeros(scores.shape, dtype=bool)
        taken[data.train.user, data.train.item] = True
        own = np.arange(data.n_users)[:, None] // MEMBERS == np.arange(data.n_items)[None] // KINDS
        return float(np.mean([(row[mine & ~had][:, None] > row[~mine]).mean() for row, mine, had in zip(scores, own, taken, strict=True)]))

    return share
