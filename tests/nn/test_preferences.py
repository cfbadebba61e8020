"""The scorer by preferences against its equations, pair by pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from turret.nn.preferences import Preferences

R, D = 3, 4


@pytest.fixture
def vectors() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(n, D, generator=generator, dtype=torch.float64) for n in (5, 6))  # type: ignore[return-value]


def made(induction: Any) -> Preferences:
    torch.manual_seed(1)
    scorer = Preferences(R, D, induction).double().eval()
    with torch.no_grad():
        for parameter in scorer.parameters():
            parameter.mul_(1.7)
    return scorer


def naive(scorer: Preferences, user: np.ndarray, item: np.ndarray) -> float:
    held = {name: value.detach().numpy() for name, value in scorer.named_parameters()}
    p = held["own.weight"] + held["relations.weight"]
    w = held["own_normals.weight"] + held["relation_normals.weight"]
    w = w / np.linalg.norm(w, axis=1, keepdims=True)
    fit = np.array([(user + item) @ each for each in p])
    share = np.exp(fit - fit.max()) / np.exp(fit - fit.max()).sum() if scorer.induction == "soft" else (fit == fit.max()).astype(float)
    preference, normal = share @ p, share @ w
    moved = (user - normal * (normal @ user)) + preference - (item - normal * (normal @ item))
    return -float(moved @ moved)


@pytest.mark.parametrize("induction", ["soft", "hard"])
def test_scores(induction: Any, vectors: tuple[torch.Tensor, torch.Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    users, items = vectors
    scorer = made(induction)
    expected = torch.tensor([[naive(scorer, user, item) for item in items.numpy()] for user in users.numpy()], dtype=torch.float64)
    torch.testing.assert_close(scorer.all(users, items), expected)
    torch.testing.assert_close(scorer.pairs(users, items[None, [4, 1]].expand(5, -1, -1)), expected[:, [4, 1]])
    monkeypatch.setattr("turret.nn.preferences.BLOCK", 45)  # two items a block
    torch.testing.assert_close(scorer.all(users, items), expected)


def test_gradients_by_blocks_and_of_hard_choices(vectors: tuple[torch.Tensor, torch.Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    users, items = vectors
    monkeypatch.setattr("turret.nn.preferences.BLOCK", 45)
    for induction in ("soft", "hard"):
        scorer = made(induction).train()
        torch.manual_seed(2)
        scorer.all(users, items).sum().backward()
        found = [parameter.grad.clone() for parameter in scorer.parameters() if parameter.grad is not None]
        assert len(found) == 4
        assert all(gradient.isfinite().all() and gradient.any() for gradient in found)
        if induction == "soft":
            for parameter in scorer.parameters():
                parameter.grad = None
            scorer.pairs(users, items.expand(5, -1, -1)).sum().backward()
            torch.testing.assert_close(found, [parameter.grad for parameter in scorer.parameters()])


def test_hard_choices_are_drawn_in_training_alone(vectors: tuple[torch.Tensor, torch.Tensor]) -> None:
    users, items = vectors
    scorer = made("hard")
    assert torch.equal(scorer.all(users, items), scorer.all(users, items))
    scorer.train()
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(scorer.all(users, items))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
