"""Pooling against loops over the members of each set."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from turret.core.features import Pooling
from turret.nn.pooling import pool, softmax_over

LENGTHS = [3, 1, 0, 4]
MASK = torch.arange(4) < torch.tensor(LENGTHS)[:, None]
KINDS: list[Pooling] = ["mean", "sum", "max", "concat", "attention"]


def sets() -> tuple[Tensor, Tensor]:
    """Four sets of up to four vectors of width 3, all negative so that a padded zero would win a maximum, and a target each."""
    generator = torch.Generator().manual_seed(4)
    vectors = -torch.rand(4, 4, 3, generator=generator, dtype=torch.float64) - 0.1
    return vectors, torch.randn(4, 3, generator=generator, dtype=torch.float64)


def naive(members: list[Tensor], how: Pooling, target: Tensor) -> Tensor:
    """One set, by definition; [k, 3]."""
    if how == "concat":
        return torch.stack([*members[:2], *[torch.zeros(3, dtype=torch.float64)] * (2 - len(members))])
    if not members:
        return torch.zeros(1, 3, dtype=torch.float64)
    if how == "max":
        return torch.tensor([[max(float(v[d]) for v in members) for d in range(3)]], dtype=torch.float64)
    strengths = [math.exp(float(target @ v) / math.sqrt(3)) for v in members]
    weights = {
        "mean": [1 / len(members)] * len(members),
        "sum": [1.0] * len(members),
        "attention": [strength / sum(strengths) for strength in strengths],
    }[how]
    return sum((w * v for w, v in zip(weights, members, strict=True)), torch.zeros(3, dtype=torch.float64)).unsqueeze(0)


@pytest.mark.parametrize("how", KINDS)
def test_is_its_definition(how: Pooling) -> None:
    vectors, target = sets()
    pooled = pool(vectors, MASK, how, length=2, target=target)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(pooled[row], naive(list(vectors[row, :length]), how, target[row]))


@pytest.mark.parametrize("how", KINDS)
@pytest.mark.parametrize("filling", [0.0, 1e9, -1e9])
def test_padding_is_not_seen(how: Pooling, filling: float) -> None:
    vectors, target = sets()
    wider = torch.cat([vectors.masked_fill(~MASK.unsqueeze(-1), filling), torch.full((4, 2, 3), filling, dtype=torch.float64)], dim=1)
    mask = torch.cat([MASK, torch.zeros(4, 2, dtype=torch.bool)], dim=1)
    expected = pool(vectors, MASK, how, length=2, target=target)
    torch.testing.assert_close(pool(wider, mask, how, length=2, target=target), expected)


def test_concat_fills_up_sets_that_are_all_shorter() -> None:
    vectors, _ = sets()
    pooled = pool(vectors[:, :1], MASK[:, :1], "concat", length=3)
    assert pooled.shape == (4, 3, 3)
    torch.testing.assert_close(pooled[:, 0], vectors[:, 0] * MASK[:, :1])
    assert pooled[:, 1:].abs().max() == 0


@pytest.mark.parametrize("how", KINDS)
def test_gradients_are_finite_and_reach_members_alone(how: Pooling) -> None:
    vectors, target = sets()
    vectors.requires_grad_()
    pool(vectors, MASK, how, length=4, target=target).square().sum().backward()
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()
    assert vectors.grad[~MASK].abs().max() == 0
    assert (vectors.grad[MASK].abs().sum(dim=-1) > 0).all() or how == "max"


def test_a_softmax_over_some_places() -> None:
    """Two equal ones share; what is masked has nothing, however large; where nothing is left nothing is given."""
    scores = torch.tensor([[1.0, 1.0, 900.0], [5.0, 3.0, 5.0], [2.0, 2.0, 2.0]])
    mask = torch.tensor([[True, True, False], [False, True, False], [False, False, False]])
    expected = torch.tensor([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(softmax_over(scores, mask), expected)


def test_a_softmax_bears_scores_of_any_size() -> None:
    scores = torch.tensor([[3e38, -3e38, 0.0]], requires_grad=True)
    weights = softmax_over(scores, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(weights, torch.tensor([[1.0, 0.0, 0.0]]))
    weights.sum().backward()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()
