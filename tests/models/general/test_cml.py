"""CML against its objective written out in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from turret.core.context import Context
from turret.data.prepared import Prepared
from turret.models.general import cml
from turret.training.composition import Composition


def in_ball(vectors: np.ndarray) -> np.ndarray:
    return np.stack([v / max(1.0, float(np.sqrt(v @ v))) for v in vectors])


def squared(left: np.ndarray, right: np.ndarray) -> float:
    return float(((left - right) ** 2).sum())


def config(**said: Any) -> cml.Config:
    composition = Composition(loss="warp", scorer="euclidean", negative_count=3, margin=0.7)
    return cml.Config(embed_dim=3, covariance_weight=0.6, composition=composition, **said)


def test_a_step_minimises_the_ranked_hinge_and_the_covariance(little: Prepared, step: Callable[..., Any]) -> None:
    taken = step(cml, config(), little)
    users, items = (in_ball(taken.array(table.weight)) for table in (taken.model.users, taken.model.items))
    who, what = taken.batch.context.users.numpy(), taken.batch.target.numpy()
    total = 0.0
    for u, i, negatives in zip(who, what, taken.negatives, strict=True):
        hinges = [0.7 + squared(users[u], items[i]) - squared(users[u], items[k]) for k in negatives]
        violating = [hinge for hinge in hinges if hinge > 0]
        if violating:
            rank = (little.n_items - 1) * len(violating) / len(hinges)
            total += np.log(1 + rank) * np.mean(violating)
    torch.manual_seed(3)
    drawn = torch.randint(little.n_items, (len(who),)).numpy()
    matrix = np.cov(np.concatenate([users[who], items[drawn]]).T, bias=True)
    off = sum(matrix[a, b] ** 2 for a in range(3) for b in range(3) if a != b)
    np.testing.assert_allclose(taken.loss, total / len(who) + 0.6 * off, rtol=1e-6)


def test_scores_are_of_points_in_the_ball(little: Prepared, step: Callable[..., Any]) -> None:
    model = step(cml, config(), little).model.eval()
    with torch.no_grad():
        encoded = model.encode()
        scores = model.scorer.all(model.query(Context(users=torch.arange(4)), encoded).vector, encoded.items.dense()).numpy()
    users, items = (in_ball(table.weight.detach().numpy()) for table in (model.users, model.items))
    np.testing.assert_allclose(scores, [[-squared(u, i) for i in items] for u in users], rtol=1e-6)
    assert scores.min() >= -4


def test_asking_draws_nothing(little: Prepared, step: Callable[..., Any]) -> None:
    model = step(cml, config(), little).model.eval()
    before = torch.get_rng_state()
    assert not model.query(Context(users=torch.arange(4)), model.encode()).penalties
    assert torch.equal(torch.get_rng_state(), before)
