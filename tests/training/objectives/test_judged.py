"""The loss of pairs judged one by one, with every negative known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.context import Context, Positives
from turret.core.contracts import Step
from turret.core.interactions import Interactions
from turret.losses.pointwise import against_zeros, binary_cross_entropy
from turret.sampling.seen import Seen
from turret.training.objectives.judged import Judged

N_ITEMS = 4
USERS, ITEMS = np.array([0, 0, 0, 1, 1, 1, 1], np.int32), np.array([0, 1, 2, 0, 1, 2, 3], np.int32)
SCORES = torch.tensor([[0.5, -1.0, 2.0, 0.25], [1.0, 0.0, -0.5, 3.0]], dtype=torch.float64)


class Scores:
    """Every pair's logit is known."""

    def pairs(self, users: Tensor, items: Tensor) -> Tensor:
        return SCORES[users[:, None], items]


def auxiliary(model: Scores, users: Tensor, items: Tensor) -> Tensor:
    return 10.0 ** torch.arange(items.shape[1], dtype=torch.float64).expand(items.shape)


def seen(rows: int) -> Seen:
    return Seen(Interactions(USERS[:rows], ITEMS[:rows], 2, N_ITEMS))


def cost(score: float, label: int) -> float:
    return math.log1p(math.exp(-score if label else score))


def test_the_only_unseen_item_is_every_negative() -> None:
    batch = Positives(Context(users=torch.tensor([0, 0])), torch.tensor([0, 2]))
    objective = Judged(against_zeros(binary_cross_entropy), seen(3), negative_count=3, beside=[(0.5, auxiliary)])
    loss = objective(Scores(), batch, Step(0, torch.Generator().manual_seed(0)))
    expected = (cost(0.5, 1) + cost(2.0, 1)) / 2 + 3 * cost(0.25, 0) + 0.5 * 1111
    assert loss.item() == pytest.approx(expected)


def test_of_a_user_who_took_everything_the_right_item_is_no_negative() -> None:
    batch = Positives(Context(users=torch.tensor([1])), torch.tensor([3]))
    judged = Judged(against_zeros(binary_cross_entropy), seen(7), negative_count=40, beside=[(1.0, auxiliary)])
    plain = Judged(against_zeros(binary_cross_entropy), seen(7), negative_count=40)
    both, alone = (each(Scores(), batch, Step(0, torch.Generator().manual_seed(0))).item() for each in (judged, plain))
    uniform = torch.rand((1, 40), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn = seen(7).draw(torch.tensor([1]), uniform)[0][0].tolist()
    assert 3 in drawn
    assert alone == pytest.approx(cost(3.0, 1) + sum(cost(SCORES[1, item].item(), 0) for item in drawn if item != 3))
    assert both - alone == pytest.approx(1 + sum(10.0 ** (1 + place) for place, item in enumerate(drawn) if item != 3))


def test_what_weighs_nothing_is_not_computed() -> None:
    def never(model: Scores, users: Tensor, items: Tensor) -> Tensor:
        raise AssertionError

    batch = Positives(Context(users=torch.tensor([0])), torch.tensor([0]))
    losses = [
        Judged(against_zeros(binary_cross_entropy), seen(3), 1, beside)(Scores(), batch, Step(0, torch.Generator().manual_seed(0)))
        for beside in ([], [(0.0, never)])
    ]
    assert torch.equal(*losses)
