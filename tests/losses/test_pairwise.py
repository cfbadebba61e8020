"""The pairwise losses against hand-computed values, against each other, and against the same formulas over shared samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from turret.losses.pairwise import bpr, bpr_max, hinge, pris, top1, top1_max, warp, weighted_bpr
from turret.losses.scored import Scored
from turret.losses.shared import BprMax, Weights

SCORED = Scored(
    torch.tensor([1.0, -2.0], dtype=torch.float64),
    torch.tensor([[0.0, 3.0], [1.0, -2.0]], dtype=torch.float64),
    torch.log(torch.tensor([[0.5, 0.25], [0.5, 0.25]], dtype=torch.float64)),
)
E = math.e


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_bpr() -> None:
    expected = [
        -(math.log(sigmoid(1)) + math.log(sigmoid(-2))) / 2,
        -(math.log(sigmoid(-3)) + math.log(sigmoid(0))) / 2,
    ]
    assert bpr(SCORED).tolist() == pytest.approx(expected)


def test_bpr_max() -> None:
    low = 1 / (1 + E**3)  # the softmax of 0 beside 3, and of -2 beside 1
    expected = [
        -math.log(low * sigmoid(1) + (1 - low) * sigmoid(-2)) + 0.5 * (1 - low) * 9,
        -math.log((1 - low) * sigmoid(-3) + low * sigmoid(0)) + 0.5 * ((1 - low) * 1 + low * 4),
    ]
    assert bpr_max(SCORED, regularization=0.5).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("regularization", [0.0, 1.95])
def test_bpr_max_equals_that_of_a_shared_sample(regularization: float) -> None:
    """Of two rows each is the other's negative beside the drawn items; values and gradients."""
    generator = torch.Generator().manual_seed(3)
    scores = torch.randn(2, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    shared = Weights(np.ones(6, dtype=int), 1.0, 0.0).candidates(torch.tensor([0, 1]), torch.tensor([2, 3, 4, 5]))
    assert shared.items.tolist() == [0, 1, 2, 3, 4, 5]
    theirs = BprMax(regularization, 0.0)(scores, shared)
    negative = torch.stack([scores[0, 1:], scores[1, [0, 2, 3, 4, 5]]])
    ours = bpr_max(Scored(scores.diagonal(), negative, torch.zeros(1)), regularization=regularization)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(torch.autograd.grad(ours.sum(), scores), torch.autograd.grad(theirs.sum(), scores))


def test_bpr_max_goes_on_where_its_probability_vanishes() -> None:
    """No constant caps it: the loss of a right item that is 10^4 too low is 10^4, and so steep that it is pushed up."""
    positive = torch.tensor([0.0], requires_grad=True)
    loss = bpr_max(Scored(positive, torch.tensor([[1e4, 1e4]]), torch.zeros(1)), regularization=0.0)
    assert loss.item() == pytest.approx(1e4)
    assert torch.autograd.grad(loss.sum(), positive)[0].item() == pytest.approx(-1, rel=1e-3)


def test_top1() -> None:
    expected = [
        (sigmoid(-1) + sigmoid(0) + sigmoid(2) + sigmoid(9)) / 2,
        (sigmoid(3) + sigmoid(1) + sigmoid(0) + sigmoid(4)) / 2,
    ]
    assert top1(SCORED).tolist() == pytest.approx(expected)


def test_top1_max() -> None:
    low = 1 / (1 + E**3)
    expected = [
        low * (sigmoid(-1) + sigmoid(0)) + (1 - low) * (sigmoid(2) + sigmoid(9)),
        (1 - low) * (sigmoid(3) + sigmoid(1)) + low * (sigmoid(0) + sigmoid(4)),
    ]
    assert top1_max(SCORED).tolist() == pytest.approx(expected)


def test_hinge() -> None:
    assert hinge(SCORED, margin=1.5).tolist() == pytest.approx([(0.5 + 3.5) / 2, (4.5 + 1.5) / 2])


def test_warp() -> None:
    """Of 11 items all 10 others are estimated to be above in the second row, and half of them in the first."""
    positive, negative = torch.tensor([1.0, -2.0, 9.0]), torch.tensor([[0.0, 3.0], [1.0, -2.0], [0.0, 1.0]])
    losses = warp(Scored(positive, negative, torch.zeros(1)), margin=0.5, n_items=11)
    assert losses.tolist() == pytest.approx([math.log(6) * 2.5, math.log(11) * (3.5 + 0.5) / 2, 0.0])


def test_the_rank_of_warp_is_a_constant_and_over_all_items_the_true_one() -> None:
    scores = torch.randn(30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    positive = torch.tensor([0.2], dtype=torch.float64, requires_grad=True)
    above = (scores > 0.2).sum().item()
    loss = warp(Scored(positive, scores[None], torch.zeros(1)), margin=0.0, n_items=31)
    hinges = (scores[scores > 0.2] - 0.2).mean().item()
    assert loss.item() == pytest.approx(math.log(1 + above) * hinges)
    assert torch.autograd.grad(loss.sum(), positive)[0].item() == pytest.approx(-math.log(1 + above))


def test_weighted_bpr() -> None:
    low = 1 / (1 + E**3)
    expected = [
        -low * math.log(sigmoid(1)) - (1 - low) * math.log(sigmoid(-2)),
        -(1 - low) * math.log(sigmoid(-3)) - low * math.log(sigmoid(0)),
    ]
    assert weighted_bpr(SCORED).tolist() == pytest.approx(expected)


def test_pris() -> None:
    """Draws of probability 1/4 count twice as much as those of 1/2."""
    first, second = 2 * E**3 / (1 + 2 * E**3), 2 * E**-2 / (E + 2 * E**-2)
    expected = [
        -(1 - first) * math.log(sigmoid(1)) - first * math.log(sigmoid(-2)),
        -(1 - second) * math.log(sigmoid(-3)) - second * math.log(sigmoid(0)),
    ]
    assert pris(SCORED).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("loss", [weighted_bpr, pris])
def test_the_weights_are_constants(loss: object) -> None:
    """The gradient of each negative is its weight times that of its own term, sigmoid(s- - s+)."""
    negative = SCORED.negative.clone().requires_grad_()
    scored = Scored(SCORED.positive, negative, SCORED.log_q)
    found = torch.autograd.grad(loss(scored).sum(), negative)[0]  # type: ignore[operator]
    values = SCORED.negative - (SCORED.log_q if loss is pris else 0)
    torch.testing.assert_close(found, torch.softmax(values, dim=1) * torch.sigmoid(-SCORED.margins))


def test_pris_does_not_depend_on_a_constant_in_log_q_and_is_weighted_bpr_under_a_uniform_one() -> None:
    shifted = Scored(SCORED.positive, SCORED.negative, SCORED.log_q - 5)
    torch.testing.assert_close(pris(shifted), pris(SCORED))
    uniform = Scored(SCORED.positive, SCORED.negative, torch.full((1,), -7.0))
    torch.testing.assert_close(pris(uniform), weighted_bpr(uniform))


def test_a_single_negative_leaves_nothing_to_weigh() -> None:
    one = Scored(SCORED.positive, SCORED.negative[:, :1], SCORED.log_q[:, :1])
    for loss in (weighted_bpr(one), pris(one), bpr_max(one, regularization=0.0)):
        torch.testing.assert_close(loss, bpr(one))
    torch.testing.assert_close(top1_max(one), top1(one))
    torch.testing.assert_close(warp(one, margin=1.5, n_items=2), math.log(2) * hinge(one, margin=1.5))


def test_all_but_those_with_regularisation_depend_on_differences_alone() -> None:
    moved = Scored(SCORED.positive + 3, SCORED.negative + 3, SCORED.log_q)
    for loss in (bpr, weighted_bpr, pris):
        torch.testing.assert_close(loss(moved), loss(SCORED))
    torch.testing.assert_close(bpr_max(moved, regularization=0.0), bpr_max(SCORED, regularization=0.0))
    torch.testing.assert_close(hinge(moved, margin=1.0), hinge(SCORED, margin=1.0))
