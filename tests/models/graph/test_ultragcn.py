"""UltraGCN against its equations, pair by pair."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from turret.core.contracts import Step, Targets
from turret.data.prepared import Prepared
from turret.models.graph import ultragcn

CONFIG = ultragcn.Config(
    embed_dim=3,
    plain_weight=0.3,
    constraint_weight=0.8,
    similar_weight=0.5,
    similar_items=2,
    negative_count=3,
    negative_weight=4.0,
    l2=0.1,
)


def log_loss(score: float) -> float:
    """-ln sigmoid."""
    return math.log1p(math.exp(-score))


@pytest.mark.parametrize(
    "without", [{}, {"l2": 0.0}, {"plain_weight": 0.0, "l2": 0.0}, {"constraint_weight": 0.0, "similar_weight": 0.0, "l2": 0.0}]
)
def test_the_loss_is_that_of_the_paper(without: dict[str, float], little: Prepared, asked: Callable[..., Any]) -> None:
    config = CONFIG.model_copy(update=without)
    taken = asked(ultragcn, config)
    model, batch, log = taken.model, taken.batch, little.train
    chosen = set(zip(log.user.tolist(), log.item.tolist(), strict=True))
    of_user, of_item = ([sum(pair[side] == node for pair in chosen) for node in range(n)] for side, n in ((0, 5), (1, 7)))
    users, items = model.users.weight.detach().numpy(), model.items.weight.detach().numpy()
    targets = Targets(batch.target, batch.context.users, torch.empty(0), model.encode(), model.scorer, batch.places)
    drawn = taken.procedure.objective.sampler(targets, Step(0, torch.Generator().manual_seed(2))).items.tolist()

    def weight(user: int, item: int) -> float:
        beta = 1 / of_user[user] * math.sqrt((of_user[user] + 1) / (of_item[item] + 1))
        return config.plain_weight + config.constraint_weight * beta

    total = 0.0
    for user, item, others in zip(batch.context.users.tolist(), batch.target.tolist(), drawn, strict=True):
        assert not chosen & {(user, other) for other in others}
        score = users[user] @ items.T
        total += weight(user, item) * log_loss(score[item])
        total += 4.0 * np.mean([weight(user, other) * log_loss(-score[other]) for other in others])
        for other, omega in zip(model.neighbours[item].tolist(), model.omega[item].tolist(), strict=True):
            total += config.similar_weight * omega * log_loss(score[other])
        rows = [users[user], items[item], *(items[other] for other in others)]
        total += config.l2 / 2 * sum(row @ row for row in rows)
    assert taken.loss.item() == pytest.approx(total / len(drawn), rel=1e-6)


def test_a_step_touches_no_row_that_it_did_not_read(little: Prepared) -> None:
    """So a large table costs what a batch does."""
    model = ultragcn.build(CONFIG, little)
    model.users.sparse = model.items.sparse = True
    batch = next(iter(ultragcn.recipe(CONFIG, little).batches.epoch(torch.Generator().manual_seed(1))))
    ultragcn.recipe(CONFIG, little).objective(model, batch, Step(0, torch.Generator().manual_seed(2))).backward()
    assert model.users.weight.grad is not None and model.users.weight.grad.is_sparse
    assert set(model.users.weight.grad.coalesce().indices()[0].tolist()) == set(batch.context.users.tolist())
    assert model.items.weight.grad is not None and model.items.weight.grad.is_sparse
