"""What the tests of models of pairs share: a small log, and one step of a recipe taken apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.context import Positives
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.training.procedures import Gradient

USERS = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3]
ITEMS = [0, 2, 5, 1, 5, 6, 0, 1, 0, 3]


@pytest.fixture
def little() -> Prepared:
    """Four users, seven items, item 4 never taken, one pair twice; rated 1 to 5."""
    ratings = np.array([5, 1, 3, 4, 2, 5, 5, 1, 2, 3], dtype=np.float32)
    rows = Interactions(np.array(USERS, np.int32), np.array(ITEMS, np.int32), 4, 7, time=np.arange(10.0), rating=ratings)
    users, items = (Entities(Vocabulary.of(f"{letter}{n}" for n in range(count))) for letter, count in (("u", 4), ("i", 7)))
    return Prepared("little", 4, 7, users, items, {"train": Part(rows)})


@dataclass(frozen=True)
class Taken:
    """A step: the model in float64 at weights that hide nothing, the batch, its negatives [T, N], and the loss."""

    model: Any
    batch: Positives
    negatives: np.ndarray
    loss: float

    def array(self, tensor: Tensor) -> np.ndarray:
        return tensor.detach().numpy()


@pytest.fixture
def step(scattered: Callable[[Any], Any]) -> Callable[..., Taken]:
    """`step(file, config, prepared)`: one step of the recipe. What the model draws itself follows `torch.manual_seed(3)`."""

    def take(file: ModuleType, config: Any, prepared: Prepared) -> Taken:
        model, procedure = scattered(file.build(config, prepared)).train(), file.recipe(config, prepared)
        assert isinstance(procedure, Gradient)
        batch = next(iter(procedure.batches.epoch(torch.Generator().manual_seed(1))))
        pairs = getattr(batch, "pairs", batch)
        torch.manual_seed(3)
        loss = procedure.objective(model, batch, Step(0, torch.Generator().manual_seed(2))).item()
        with torch.no_grad():
            encoded = model.encode()
            query = model.query(pairs.context, encoded).vector
        targets = Targets(pairs.target, pairs.context.users, query, encoded, model.scorer, pairs.places)
        sampler = getattr(procedure.objective, "sampler", None)
        none = np.empty((len(pairs.target), 0), np.int64)
        items = none if sampler is None else sampler(targets, Step(0, torch.Generator().manual_seed(2))).items.numpy()
        return Taken(model, batch, items, loss)

    return take
