"""Draws from the softmax of a model's scores, its own and another's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.context import Reads
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.nn.two_tables import TwoTables
from turret.sampling import categorical
from turret.sampling.drawn import Drawn
from turret.sampling.softmax import Own, Retrieved
from turret.scorers.dot import Dot
from turret.scorers.mlp import MLPScorer

Asked = Callable[..., Targets]
Fits = Callable[[Tensor, Tensor], None]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("n", "scale", "temperature"), [(1, 1, 1), (2, 1, 1), (300, 1, 0.5), (300, 1, 4), (50, 500, 1)])
def test_frequencies_are_the_softmax(n: int, scale: float, temperature: float, asked: Asked, fits: Fits) -> None:
    targets = asked(scale * torch.randn(n, 5, generator=generator()), torch.randn(4, 5, generator=generator(1)))
    expected = torch.log_softmax(targets.query.double() @ targets.encoded.items.dense().double().T / temperature, dim=1)
    own = Own(temperature)
    found = own.log_prob(targets, torch.arange(n)[None])
    assert torch.allclose(found.double(), expected, atol=1e-3, rtol=1e-5)
    fits(own.draw(targets, 250_000, generator(2)), found)


def test_any_scorer_will_do(asked: Asked, fits: Fits) -> None:
    torch.manual_seed(0)
    targets = asked(torch.randn(9, 4, generator=generator()), torch.randn(3, 4, generator=generator(1)), MLPScorer(4, (8,)))
    items = Own(0.1).draw(targets, 350_000, generator(2))
    assert not items.requires_grad
    with torch.no_grad():
        scores = targets.scorer.all(targets.query, targets.encoded.items.dense())
    fits(items, torch.log_softmax(scores.double() / 0.1, dim=1))


def test_blocks_change_nothing(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = asked(torch.randn(40, 5, generator=generator()), torch.randn(11, 5, generator=generator(1)))
    items = Own().draw(targets, 50, generator(2))
    log_prob = Own().log_prob(targets, items)
    monkeypatch.setattr(categorical, "NUMBERS", 100)
    assert torch.equal(Own().draw(targets, 50, generator(2)), items)
    assert torch.allclose(Own().log_prob(targets, items), log_prob, atol=1e-6)


def test_leaves_out_what_was_taken(asked: Asked, fits: Fits) -> None:
    seen = Interactions(np.array([0, 0, 1]), np.array([3, 4, 0]), 2, 12)
    items = torch.randn(12, 4, generator=generator())
    targets = asked(items, torch.randn(2, 4, generator=generator(1)), target=torch.tensor([3, 0]), users=torch.arange(2))
    negatives = Drawn(Own(), 500_000, seen)(targets, Step(0, generator(2)))
    scores = targets.query @ items.T
    scores[0, 3] = scores[0, 4] = scores[1, 0] = -torch.inf
    log_prob = torch.log_softmax(scores, dim=1)
    assert torch.allclose(log_prob.gather(1, negatives.items), negatives.log_q, atol=1e-5)
    fits(negatives.items, log_prob)


def test_another_retriever_draws_by_its_own_scores(asked: Asked, fits: Fits) -> None:
    torch.manual_seed(3)
    other = TwoTables(5, 8, 3, Dot(), std=1.0)
    users = torch.tensor([4, 0, 4])
    targets = asked(torch.randn(8, 6, generator=generator()), torch.randn(3, 6, generator=generator(1)), users=users)
    retrieved = Retrieved(other, 0.7)
    retrieved.refresh(targets, Step(0, generator()))
    expected = torch.log_softmax(other.users.weight[users].detach().double() @ other.items.weight.detach().double().T / 0.7, dim=1)
    found = retrieved.log_prob(targets, torch.arange(8)[None])
    assert torch.allclose(found.double(), expected, atol=1e-5)
    fits(retrieved.draw(targets, 350_000, generator(2)), found)


def test_another_retriever_must_know_whom_to_answer(asked: Asked) -> None:
    torch.manual_seed(3)
    other = TwoTables(5, 8, 3, Dot(), std=1.0)
    targets = asked(torch.randn(8, 6), torch.randn(3, 6))
    with pytest.raises(ValueError, match="users"):
        Drawn(Retrieved(other), 2)(targets, Step(0, generator()))
    other.reads = Reads(history=20)
    with pytest.raises(ValueError, match="histories"):
        Retrieved(other)
