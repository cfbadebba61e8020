"""DirectAU against its equations written out in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import torch

from turret.core.context import Context
from turret.data.prepared import Prepared
from turret.models.general import directau
from turret.training.composition import Composition

CONFIG = directau.Config(embed_dim=3, composition=Composition(loss="alignment_uniformity", uniformity_weight=0.7))


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def uniformity(vectors: np.ndarray) -> float:
    return float(np.log(np.mean([np.exp(-2 * ((a - b) ** 2).sum()) for a, b in combinations(vectors, 2)])))


def test_a_step_minimises_alignment_and_uniformity(little: Prepared, step: Callable[..., Any]) -> None:
    taken = step(directau, CONFIG, little)
    users = unit(taken.array(taken.model.users.weight))[taken.batch.context.users.numpy()]
    items = unit(taken.array(taken.model.items.weight))[taken.batch.target.numpy()]
    aligned = ((users - items) ** 2).sum(axis=1).mean()
    np.testing.assert_allclose(taken.loss, aligned + 0.7 * (uniformity(users) + uniformity(items)) / 2, rtol=1e-6)


def test_items_are_ranked_by_the_inner_product_of_vectors_as_they_are(little: Prepared, step: Callable[..., Any]) -> None:
    model = step(directau, CONFIG, little).model.eval()
    with torch.no_grad():
        encoded = model.encode()
        scores = model.scorer.all(model.query(Context(users=torch.arange(4)), encoded).vector, encoded.items.dense())
        torch.testing.assert_close(scores, model.users.weight @ model.items.weight.T)
