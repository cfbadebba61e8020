"""The losses over a shared sample against their formulas, one row and one occurrence at a time, and against recorded runs."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.losses.shared import BprMax, Candidates, CrossEntropy, SharedLoss, Weights, biased_dot_loss
from turret.nn.tables import Biased, Table

Arrays = dict[str, np.ndarray]
TINY = 1e-24
LOSSES = [CrossEntropy(), BprMax(0.0, 0.0), BprMax(1.95, 0.0), BprMax(0.0, 0.5), BprMax(1.95, 0.5)]
COUNTS, ALPHA = np.array([1, 7, 400, 3, 12, 1, 90, 5, 33]), 0.75


def by_hand(loss: SharedLoss, row: np.ndarray, own: int, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """A row's loss and gradient over its occurrences, of which the `own`-th is its target, in float64."""
    others = np.arange(len(row)) != own
    if isinstance(loss, CrossEntropy):
        shifted = row + np.log(weight)
        e = np.exp(shifted - shifted.max())
        p = e / e.sum()
        return -math.log(p[own] + TINY), p[own] / (p[own] + TINY) * (p - ~others)
    assert isinstance(loss, BprMax)
    a, regular = loss.elu_param, loss.bpreg
    o = np.where(row > 0, row, a * np.expm1(np.minimum(row, 0))) if a else row
    e = np.where(others, np.exp(o - o[others].max(), where=others, out=np.zeros_like(o)), 0)
    w, sigma = e / e.sum(), 1 / (1 + np.exp(np.minimum(o - o[own], 700)))
    better, size = float(w @ sigma), float(w @ o**2)
    slope = sigma * (1 - sigma) / (better + TINY)
    level = -better / (better + TINY) + regular * size
    gradient = w * (-sigma / (better + TINY) + regular * o**2 - level + slope + 2 * regular * o)
    gradient[own] = -(w @ slope)
    return -math.log(better + TINY) + regular * size, gradient * np.where((row > 0) | (a == 0), 1, o + a)


def compiled(loss: SharedLoss, scores: Tensor, candidates: Candidates, biases: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The losses [b] and their gradients [b, C] as the kernel gives them; those of the biases must be their sums."""
    width = scores.shape[1]
    gradient, losses, totals = scores.clone(), torch.empty(len(scores)), torch.empty(width)
    loss.compiled(gradient, torch.zeros(width) if biases is None else biases, candidates, losses, totals)
    torch.testing.assert_close(totals, gradient.sum(dim=0), atol=1e-5, rtol=1e-5, equal_nan=True)
    return losses, gradient


def plain(loss: SharedLoss, scores: Tensor, candidates: Candidates) -> tuple[Tensor, Tensor]:
    """The same as torch's autograd gives them, in the precision of the scores."""
    scores = scores.clone().requires_grad_()
    columns = (getattr(candidates, name).to(scores.dtype) for name in ("times", "weight", "own"))
    losses = loss(scores, Candidates(candidates.items, candidates.right, *columns))
    losses.sum().backward()
    assert scores.grad is not None
    return losses.detach(), scores.grad


def by_row(loss: SharedLoss, scores: Tensor, items: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Losses, and gradients summed over the occurrences of each item: [b], [b, I]. `scores` is [b, I], row i's target is occurrence i."""
    losses, gradients = torch.empty(len(scores), dtype=torch.float64), torch.zeros(scores.shape, dtype=torch.float64)
    for row, values in enumerate(scores.double()):
        losses[row], gradient = by_hand(loss, values[items].numpy(), row, weight.double().numpy())
        gradients[row].index_add_(0, items, torch.from_numpy(gradient))
    return losses, gradients


def agree(found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor], tolerance: float) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.double(), theirs.double(), atol=tolerance, rtol=min(tolerance, 1e-5))


# --- recorded runs


@pytest.mark.real_data
@pytest.mark.parametrize("scene", ["normal", "saturated"])
@pytest.mark.parametrize("boundary", [5, 7])
@pytest.mark.parametrize("name", ["xe_logq0", "xe_logq1", *(f"bprmax_elu{a}_bpreg{r}" for a in ("0", "0.5") for r in ("0", "1.95"))])
def test_equals_the_recorded_losses(golden: Callable[..., Arrays], scene: str, boundary: int, name: str) -> None:
    recorded = golden("losses")
    kind, *settings = name.split("_")
    numbers = [float(part.lstrip("elubprgoq")) for part in settings]
    loss = CrossEntropy() if kind == "xe" else BprMax(bpreg=numbers[1], elu_param=numbers[0])
    weights = Weights(recorded["P0"], 0.75, numbers[0] if kind == "xe" else 0)
    items = torch.from_numpy(recorded["Y"])
    candidates = weights.occurrences(items[:5], items[5:], boundary)
    scores = torch.from_numpy(recorded[f"{scene}/O"])
    expected = recorded[f"{scene}/{name}_M{boundary}/loss"].item(), torch.from_numpy(recorded[f"{scene}/{name}_M{boundary}/grad"])
    for losses, gradient in (compiled(loss, scores, candidates), plain(loss, scores, candidates), plain(loss, scores.double(), candidates)):
        assert losses.sum().item() == pytest.approx(expected[0], rel=2e-6, abs=2e-6)
        torch.testing.assert_close(gradient.float(), expected[1], atol=2e-6, rtol=2e-5)


@pytest.mark.real_data
def test_the_recorded_saturated_scene_reaches_the_highest_loss(golden: Callable[..., Arrays]) -> None:
    recorded = golden("losses")
    items = torch.from_numpy(recorded["Y"])
    candidates = Weights(recorded["P0"], 0.75, 0).occurrences(items[:5], items[5:], 5)
    losses, gradient = compiled(CrossEntropy(), torch.from_numpy(recorded["saturated/O"]), candidates)
    capped = losses > 55
    assert capped.any() and not gradient[capped].any()


# --- the formulas


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("scale", [1, 6])
@pytest.mark.parametrize("boundary", [None, 6])
def test_different_items_stand_for_their_occurrences(loss: SharedLoss, scale: float, boundary: int | None) -> None:
    """Repeated targets, repeated draws, draws that are a row's own target: all three forms equal the sum over occurrences."""
    generator = torch.Generator().manual_seed(0)
    scores = scale * torch.randn(4, len(COUNTS), generator=generator)
    target, sample = torch.tensor([2, 5, 2, 0]), torch.tensor([5, 1, 1, 7, 6, 2, 2, 8])
    weights = Weights(COUNTS, ALPHA, 1.0)
    weight = [COUNTS[item] ** -1.0 if n < (boundary or 4) else COUNTS[item] ** -ALPHA for n, item in enumerate([2, 5, 2, 0, *sample])]
    expected = by_row(loss, scores, torch.cat([target, sample]), torch.tensor(weight))
    for candidates in (weights.candidates(target, sample, boundary), weights.occurrences(target, sample, boundary or 4)):
        mine = scores[:, candidates.items]
        for losses, gradient in (compiled(loss, mine, candidates), plain(loss, mine, candidates), plain(loss, mine.double(), candidates)):
            summed = torch.zeros(scores.shape, dtype=torch.float64).index_add_(1, candidates.items, gradient.double())
            agree((losses, summed), expected, 5e-6 * scale)
    assert len(weights.candidates(target, sample).items) == 7


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_gradients_of_the_plain_form(loss: SharedLoss) -> None:
    generator = torch.Generator().manual_seed(1)
    candidates = Weights(COUNTS, ALPHA, 0.8).candidates(torch.tensor([2, 5, 2]), torch.tensor([5, 1, 1, 7, 6]))
    columns = (getattr(candidates, name).double() for name in ("times", "weight", "own"))
    exact = Candidates(candidates.items, candidates.right, *columns)
    scores = torch.randn(3, len(candidates.items), generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: loss(s, exact), (scores,))


def test_biases_are_added_to_the_scores() -> None:
    generator = torch.Generator().manual_seed(2)
    candidates = Weights(COUNTS, ALPHA, 1.0).candidates(torch.tensor([2, 5]), torch.tensor([5, 1, 7]))
    scores, biases = torch.randn(2, 4, generator=generator), torch.randn(4, generator=generator)
    for loss in LOSSES:
        agree(compiled(loss, scores, candidates, biases), compiled(loss, scores + biases, candidates), 1e-6)


EXTREMES = [
    pytest.param([0.0, 0.0, 0.0, 0.0], id="equal"),
    pytest.param([-110.0, -110.0, -110.0, -110.0], id="all far below zero"),
    pytest.param([3.0, -110.0, -120.0, -2000.0], id="the negatives far below zero"),
    pytest.param([12.0, 0.5, 0.3, -1.0], id="target clearly above"),
    pytest.param([30.0, 0.5, 0.3, -1.0], id="target far above"),
    pytest.param([3e3, 0.5, 0.3, -1.0], id="target out of reach"),
    pytest.param([-30.0, 0.5, 0.3, -1.0], id="target far below"),
    pytest.param([-3e3, 0.5, 0.3, -1.0], id="target hopeless"),
    pytest.param([0.0, 300.0, -300.0, 299.0], id="negatives at both ends"),
    pytest.param([100.0, 100.0, 100.0, 100.0], id="all high"),
]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("own_is_drawn", [False, True])
@pytest.mark.parametrize("values", EXTREMES)
def test_extreme_scores(loss: SharedLoss, values: list[float], own_is_drawn: bool) -> None:
    """A column that is no negative must neither set the maximum of the negatives nor drown them by its size."""
    scores, target = torch.tensor([values]), torch.tensor([0])
    sample = torch.tensor([1, 2, 3, 3, 0]) if own_is_drawn else torch.tensor([1, 2, 3, 3])
    candidates = Weights(np.ones(4, dtype=int), 1.0, 0.0).candidates(target, sample)
    expected = by_row(loss, scores, torch.cat([target, sample]), torch.ones(len(sample) + 1))
    assert torch.equal(candidates.items, torch.arange(4))
    rounding = 2e-7 * max(scores.abs().max().item(), expected[0].item())
    for found in (compiled(loss, scores, candidates), plain(loss, scores, candidates)):
        agree(found, expected, 1e-5 + rounding)
    agree(plain(loss, scores.double(), candidates), expected, 1e-10 + 1e-13 * expected[0].item())


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_what_is_no_number_stays_none(loss: SharedLoss) -> None:
    """So that training can stop: neither form hides it."""
    candidates = Weights(COUNTS, ALPHA, 1.0).candidates(torch.tensor([2, 5]), torch.tensor([5, 1, 7]))
    for place in range(4):
        scores = torch.zeros(2, 4)
        scores[1, place] = torch.nan
        for losses in (compiled(loss, scores, candidates)[0], plain(loss, scores, candidates)[0]):
            assert losses.isnan().tolist() == [False, True]


def test_no_loss_exceeds_the_logarithm_of_the_smallest_share() -> None:
    candidates = Weights(COUNTS, ALPHA, 0.0).candidates(torch.tensor([0]), torch.tensor([1]))
    scores = torch.tensor([[0.0, 1e4]])
    for loss in (CrossEntropy(), BprMax(0.0, 0.0)):
        losses, gradient = compiled(loss, scores, candidates)
        assert losses.item() == pytest.approx(-math.log(TINY)) and gradient.abs().max() < 1e-13


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("columns", [1, 7, 8, 9, 33])
def test_every_width_and_many_rows(loss: SharedLoss, columns: int) -> None:
    """Vector instructions take several columns at once; the rest of a row counts too, and the scratch of a row does not reach the next."""
    generator = torch.Generator().manual_seed(columns)
    counts = torch.randint(1, 50, (columns + 20,), generator=generator)
    target, sample = torch.randint(20, (6,), generator=generator), torch.arange(20, 20 + columns)
    weights = Weights(counts, ALPHA, 1.0)
    candidates = weights.candidates(target, sample)
    scores = torch.randn(6, columns + 20, generator=generator)
    weight = torch.cat([1 / counts[target], counts[sample].double() ** -ALPHA])
    expected = by_row(loss, scores, torch.cat([target, sample]), weight)
    losses, gradient = compiled(loss, scores[:, candidates.items], candidates)
    agree((losses, gradient), (expected[0], expected[1][:, candidates.items]), 5e-6)


# --- the candidates


@pytest.mark.parametrize("boundary", [None, 3, 5, 20])
def test_candidates_count_what_is_drawn(boundary: int | None) -> None:
    generator = torch.Generator().manual_seed(4)
    weights = Weights(COUNTS, ALPHA, 0.7)
    for _ in range(20):
        target, sample = torch.randint(9, (3,), generator=generator), torch.randint(9, (17,), generator=generator)
        found = weights.candidates(target, sample, boundary)
        drawn = [*target.tolist(), *sample.tolist()]
        counted = [COUNTS[item] ** (-0.7 if n < (boundary or 3) else -0.7 * ALPHA) for n, item in enumerate(drawn)]
        assert sorted(found.items.tolist()) == sorted(set(drawn))
        assert found.times.tolist() == [drawn.count(item) for item in found.items.tolist()]
        expected = [sum(value for other, value in zip(drawn, counted, strict=True) if other == item) for item in found.items.tolist()]
        assert found.weight.tolist() == pytest.approx(expected, rel=1e-6)
        assert found.items[found.right].tolist() == drawn[:3]
        assert found.own.tolist() == pytest.approx(counted[:3], rel=1e-6)


def test_without_draws_the_targets_are_the_candidates() -> None:
    found = Weights(COUNTS, ALPHA, 0.0).candidates(torch.tensor([4, 1, 4]), torch.empty(0, dtype=torch.int64))
    assert found.items.tolist() == [4, 1] and found.times.tolist() == [2, 1] and found.right.tolist() == [0, 1, 0]


def test_counts_not_probabilities_and_an_item_without_any_counts_as_one() -> None:
    """Of c and c^alpha only the common scale of both could be left out; items that training never saw keep a finite weight."""
    weights = Weights(np.array([0, 4, 100]), 0.5, 1.0)
    assert weights.target.tolist() == pytest.approx([1, 1 / 4, 1 / 100]) and weights.sample.tolist() == pytest.approx([1, 1 / 2, 1 / 10])


# --- the fused step


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("sparse", [False, True])
def test_scores_and_loss_in_one_step(loss: SharedLoss, sparse: bool) -> None:
    torch.manual_seed(5)
    vectors, biases = Table(9, 6), Table(9, 1)
    torch.nn.init.normal_(biases.weight)
    query, scale = torch.randn(3, 6, requires_grad=True), torch.tensor(0.37)
    target, sample = torch.tensor([2, 5, 2]), torch.tensor([5, 1, 1, 7, 2])
    candidates = Weights(COUNTS, ALPHA, 1.0).candidates(target, sample)
    parameters = query, vectors.weight, biases.weight
    items = torch.cat([target, sample])
    weight = torch.cat([1 / torch.from_numpy(COUNTS)[target], torch.from_numpy(COUNTS)[sample].double() ** -ALPHA])
    scores = query.detach().double() @ vectors.weight.detach().double().T + biases.weight.detach().double().T
    losses, by_score = by_row(loss, scores, items, weight)
    by_score *= scale
    expected = by_score @ vectors.weight.detach().double(), by_score.T @ query.detach().double(), by_score.sum(dim=0)[:, None]
    vectors.sparse = biases.sparse = sparse
    total = biased_dot_loss(loss, query, Biased(vectors, biases), candidates)
    assert total.item() == pytest.approx(losses.sum().item(), rel=1e-5)
    found = torch.autograd.grad(total * scale, parameters)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.to_dense().double(), theirs, atol=1e-5, rtol=1e-5)
    assert [part.is_sparse for part in found] == [False, sparse, sparse]
    if sparse:
        assert all(sorted(part._indices()[0].tolist()) == [1, 2, 5, 7] for part in found[1:])  # no other row is touched
