"""What the tests of graph models share: a small log, its normalised adjacency matrix, and trainings that are interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.contracts import Step
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary

USERS = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 4, 4]
ITEMS = [0, 2, 5, 1, 5, 6, 0, 1, 0, 3, 2, 6]
N_USERS, N_ITEMS = 5, 7
CPU = torch.device("cpu")


@pytest.fixture
def little() -> Prepared:
    """Five users, seven items, item 4 never taken, one pair twice."""
    rows = Interactions(np.array(USERS, np.int32), np.array(ITEMS, np.int32), N_USERS, N_ITEMS, time=np.arange(float(len(USERS))))
    users, items = (Entities(Vocabulary.of(f"{side}{n}" for n in range(count))) for side, count in (("u", N_USERS), ("i", N_ITEMS)))
    return Prepared("little", N_USERS, N_ITEMS, users, items, {"train": Part(rows)})


@pytest.fixture
def adjacency() -> Callable[[set[tuple[int, int]] | None], np.ndarray]:
    """`adjacency(edges)`: float64 [U + I, U + I], D^-1/2 A D^-1/2 of the log's pairs, or of some of them."""

    def normalised(edges: set[tuple[int, int]] | None = None) -> np.ndarray:
        a = np.zeros((N_USERS + N_ITEMS,) * 2)
        for user, item in set(zip(USERS, ITEMS, strict=True)) if edges is None else edges:
            a[user, N_USERS + item] = a[N_USERS + item, user] = 1
        root = np.zeros(len(a))
        root[a.any(axis=0)] = 1 / np.sqrt(a.sum(axis=0)[a.any(axis=0)])
        return root[:, None] * a * root

    return normalised


@dataclass(frozen=True)
class Asked:
    """A step: the model in float64 at weights that hide nothing, the batch, the loss, and the loss without what is beside BPR."""

    model: Any
    procedure: Any
    batch: Any
    loss: Tensor
    alone: Tensor

    @property
    def start(self) -> np.ndarray:
        """E^(0): [U + I, D]."""
        return torch.cat([self.model.users.weight, self.model.items.weight]).detach().numpy()


@pytest.fixture
def asked(little: Prepared, scattered: Callable[[Any], Any]) -> Callable[..., Asked]:
    """`asked(file, config, **without)`: the first step; `without` are the settings that leave out what is beside BPR."""

    def take(file: ModuleType, config: Any, **without: Any) -> Asked:
        model = scattered(file.build(config, little)).train()

        def step(config: Any) -> tuple[Any, Any, Tensor]:
            procedure = file.recipe(config, little)
            batch = next(iter(procedure.batches.epoch(torch.Generator().manual_seed(1))))
            return procedure, batch, procedure.objective(model, batch, Step(0, torch.Generator().manual_seed(2)))

        procedure, batch, loss = step(config)
        return Asked(model, procedure, batch, loss, step(config.model_copy(update=without))[2])

    return take
