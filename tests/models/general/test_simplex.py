"""SimpleX against its equations written out in NumPy, and what of the log it reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from turret.core.context import Context, History
from turret.core.interactions import Interactions
from turret.data.prepared import Part, Prepared
from turret.models.general import simplex
from turret.training.composition import Composition

COMPOSITION = Composition(loss="cosine_contrastive", scorer="cosine", negative_count=3, margin=0.2, negative_weight=7.0)
CONFIG = simplex.Config(embed_dim=3, user_share=0.3, max_history=3, composition=COMPOSITION)


def cosine(left: np.ndarray, right: np.ndarray) -> float:
    return float(left @ right / np.sqrt((left @ left) * (right @ right)))


def test_a_step_minimises_the_cosine_contrastive_loss(little: Prepared, step: Callable[..., Any]) -> None:
    taken = step(simplex, CONFIG, little)
    model, train = taken.model, little.train
    users, items, matrix = (taken.array(tensor) for tensor in (model.users.weight, model.items.weight, model.project.weight))
    total = 0.0
    for u, i, negatives in zip(taken.batch.context.users.tolist(), taken.batch.target.tolist(), taken.negatives, strict=True):
        latest = [item for user, item in zip(train.user, train.item, strict=True) if user == u][-3:]
        z = 0.3 * users[u] + 0.7 * matrix @ np.mean([items[item] for item in latest], axis=0)
        total += 1 - cosine(z, items[i]) + 7.0 / 3 * sum(max(0.0, cosine(z, items[k]) - 0.2) for k in negatives)
    np.testing.assert_allclose(taken.loss, total / len(train), rtol=1e-6)


def test_somebody_without_a_history_is_the_vector_of_the_id(little: Prepared, step: Callable[..., Any]) -> None:
    model = step(simplex, CONFIG, little).model.eval()
    mask = torch.tensor([[False, False], [True, True]])
    context = Context(torch.tensor([1, 2]), History(torch.tensor([[0, 0], [3, 5]]), mask))
    vectors = model.query(context, model.encode()).vector.detach()
    torch.testing.assert_close(vectors[0], 0.3 * model.users.weight[1].detach())


def test_nothing_but_the_training_part_is_read(little: Prepared) -> None:
    """A log whose later parts hold other pairs gives the same batches as one without."""
    later = Interactions(np.array([0, 1, 3], np.int32), np.array([4, 4, 6], np.int32), 4, 7, time=np.arange(20.0, 23.0))
    beside = dataclasses.replace(little, parts={**little.parts, "valid": Part(later), "test": Part(later)})
    config = CONFIG.model_copy(update={"max_history": 50})
    ours, theirs = (
        next(iter(simplex.recipe(config, prepared).batches.epoch(torch.Generator().manual_seed(1)))) for prepared in (beside, little)
    )
    history = ours.context.history
    assert torch.equal(history.items, theirs.context.history.items)
    read = {
        (u, i) for u, row, mask in zip(ours.context.users.tolist(), history.items, history.mask, strict=True) for i in row[mask].tolist()
    }
    assert read == set(zip(little.train.user.tolist(), little.train.item.tolist(), strict=True))
