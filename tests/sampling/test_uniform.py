from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.sampling.uniform import Uniform

Fits = Callable[[Tensor, Tensor], None]
Answers = Callable[..., Targets]
Took = Callable[[dict[int, list[int]], int], Interactions]


def step(seed: int = 0) -> Step:
    return Step(0, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n_items", [1, 2, 3, 7, 100])
def test_over_all_items(fits: Fits, answers: Answers, n_items: int) -> None:
    drawn = Uniform(n_items, 250_000)(answers([0, n_items - 1] * 2), step())
    assert drawn.log_q.shape == (4, 1) and drawn.positive_log_q is not None and drawn.mask is not None
    fits(drawn.items, drawn.log_q.expand(4, n_items))
    assert drawn.positive_log_q.tolist() == pytest.approx([-math.log(n_items)] * 4)
    assert torch.equal(drawn.mask, drawn.items != torch.tensor([0, n_items - 1] * 2)[:, None])


@pytest.mark.parametrize("items", [[], [0], [6], [0, 1, 2], [2, 3, 5, 5], [0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]])
def test_over_what_is_left(fits: Fits, answers: Answers, took: Took, items: list[int]) -> None:
    sampler = Uniform(7, 1_000_000, took({0: [3, 4], 1: items, 2: [1, 6]}, 7))
    drawn = sampler(answers([0], [1]), step(1))
    allowed = torch.tensor([item not in items for item in range(7)])
    fits(drawn.items, torch.where(allowed, drawn.log_q, -torch.inf))
    assert drawn.mask is None and drawn.positive_log_q is None


def test_who_took_everything_draws_from_everything_but_the_right_item(fits: Fits, answers: Answers, took: Took) -> None:
    sampler = Uniform(4, 1_000_000, took({0: [0, 1, 2, 3], 1: [2]}, 4))
    drawn = sampler(answers([3, 2], [0, 1]), step(2))
    allowed = torch.tensor([[True] * 4, [True, True, False, True]])
    fits(drawn.items, torch.where(allowed, drawn.log_q, -torch.inf))
    assert drawn.mask is not None and torch.equal(drawn.mask, drawn.items != torch.tensor([[3], [2]]))


def test_needs_the_users_only_to_leave_something_out(answers: Answers, took: Took) -> None:
    assert Uniform(4, 5)(answers([0]), step()).items.shape == (1, 5)
    with pytest.raises(ValueError, match="users"):
        Uniform(4, 5, took({0: [1]}, 4))(answers([0]), step())
