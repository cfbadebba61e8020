"""Draws that leave out what users have taken, against the probabilities of what is left, by brute force."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.sampling.drawn import Drawn
from turret.sampling.popularity import Popularity, log_count, power, smoothed
from turret.sampling.softmax import Own

Fits = Callable[[Tensor, Tensor], None]
Answers = Callable[..., Targets]
Took = Callable[[dict[int, list[int]], int], Interactions]
COUNTS = np.array([100_000, 1, 0, 300, 30, 30, 7, 2])
TAKEN = {
    0: [0],  # nearly all of the mass
    1: [3, 4, 1],
    2: [],
    3: [0, 1, 3, 4, 5, 6, 7],  # all but the item of mass 0
    4: list(range(8)),  # everything
    5: [0, 2, 3, 4, 5, 6, 7],  # all but one
}
ZIPF = (1e5 / np.arange(1, 3001)).astype(np.int64)


def step(seed: int = 0) -> Step:
    return Step(0, torch.Generator().manual_seed(seed))


def left_over(probability: np.ndarray, taken: list[int]) -> Tensor:
    """float64 [I] the logs of probabilities without what was taken; with it, where nothing is left."""
    mass = probability.astype(np.float64).copy()
    mass[taken] = 0
    mass = mass if mass.any() else probability
    with np.errstate(divide="ignore"):
        return torch.from_numpy(np.log(mass / mass.sum()))


def agree(log_q: Tensor, items: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(log_q.double(), expected.gather(1, items), rtol=0, atol=3e-5)


@pytest.mark.parametrize("mass", [power, log_count, smoothed])
def test_a_fixed_distribution(fits: Fits, answers: Answers, took: Took, mass: Callable[[np.ndarray], np.ndarray]) -> None:
    drawn = Drawn(Popularity(mass(COUNTS)), 200_000, took(TAKEN, 8))(answers([0] * 6, range(6)), step())
    expected = torch.stack([left_over(mass(COUNTS), taken) for taken in TAKEN.values()])
    fits(drawn.items, expected)
    agree(drawn.log_q, drawn.items, expected)
    assert drawn.mask is not None and torch.equal(drawn.mask, drawn.items != 0) and drawn.positive_log_q is None


@pytest.mark.parametrize("count", [500, 1_000_000])
@pytest.mark.parametrize("taken", [range(0), range(3), range(40, 2999), range(2999), range(1, 3000), range(0, 3000, 2)], ids=str)
def test_redrawing_and_drawing_from_what_is_left_have_the_same_probabilities(
    fits: Fits, answers: Answers, took: Took, taken: range, count: int
) -> None:
    """Few draws of many rows are drawn again over several rounds, many of few rows at once from what is left."""
    rows = 1_000_000 // count
    drawn = Drawn(Popularity(power(ZIPF)), count, took({0: list(taken)}, 3000))(answers([0] * rows, [0] * rows), step(1))
    expected = left_over(power(ZIPF), list(taken))[None]
    fits(drawn.items.reshape(1, -1), expected)
    agree(drawn.log_q.reshape(1, -1), drawn.items.reshape(1, -1), expected)


@pytest.mark.parametrize("scale", [1.0, 12.0])
def test_a_distribution_that_depends_on_the_query(fits: Fits, asked: Callable[..., Targets], took: Took, scale: float) -> None:
    """At a scale of 12 next to nothing is left of some rows."""
    generator = torch.Generator().manual_seed(2)
    items, query = torch.randn(8, 4, generator=generator), scale * torch.randn(6, 4, generator=generator)
    drawn = Drawn(Own(), 200_000, took(TAKEN, 8))(asked(items, query, users=torch.arange(6)), step(2))
    probability = (query @ items.T).double().softmax(dim=1).numpy()
    expected = torch.stack([left_over(row, taken) for row, taken in zip(probability, TAKEN.values(), strict=True)])
    fits(drawn.items, expected)
    agree(drawn.log_q, drawn.items, expected)


def test_nothing_left_out(fits: Fits, answers: Answers) -> None:
    drawn = Drawn(Popularity(power(COUNTS)), 500_000)(answers([0, 3]), step(3))
    expected = left_over(power(COUNTS), [])
    fits(drawn.items, expected.expand(2, -1))
    agree(drawn.log_q, drawn.items, expected.expand(2, -1))
    assert drawn.mask is not None and torch.equal(drawn.mask, drawn.items != torch.tensor([[0], [3]]))
    assert drawn.positive_log_q is not None
    torch.testing.assert_close(drawn.positive_log_q.double(), expected[[0, 3]], rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_items", [1, 2, 3])
def test_log_q_sums_to_one_over_what_is_left(answers: Answers, took: Took, n_items: int) -> None:
    counts = np.array([5, 100_000, 1])[:n_items]
    for taken in ([], [0], [0, 1], [0, 1, 2]):
        drawn = Drawn(Popularity(power(counts)), 10_000, took({0: [i for i in taken if i < n_items]}, n_items))(answers([0], [0]), step())
        log_q = dict(zip(drawn.items[0].tolist(), drawn.log_q[0].tolist(), strict=True))
        allowed = set(range(n_items)) - set(taken) or set(range(n_items))
        assert set(log_q) <= allowed
        if set(log_q) == allowed:
            assert np.exp(list(log_q.values())).sum() == pytest.approx(1, abs=1e-6)


def test_log_q_that_nobody_asked_for_shows(answers: Answers, took: Took) -> None:
    for seen in (None, took({0: [1]}, 8)):
        drawn = Drawn(Popularity(power(COUNTS)), 5, seen, corrected=False)(answers([0, 0], [0, 0]), step())
        assert (drawn.items + drawn.log_q).isnan().all() and drawn.mask is not None


def test_needs_the_users_only_to_leave_something_out(answers: Answers, took: Took) -> None:
    with pytest.raises(ValueError, match="users"):
        Drawn(Popularity(power(COUNTS)), 5, took({0: [1]}, 8))(answers([0]), step())


def test_the_number_of_threads_changes_nothing(answers: Answers) -> None:
    draw, before, found = np.random.default_rng(0), torch.get_num_threads(), []
    user, item = np.repeat(np.arange(500), 20).astype(np.int32), np.minimum(draw.zipf(1.2, 10_000) - 1, 2999).astype(np.int32)
    sampler, asked = Drawn(Popularity(power(ZIPF)), 50, Interactions(user, item, 500, 3000)), answers([0] * 500, range(500))
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found.append(sampler(asked, step()))
    torch.set_num_threads(before)
    assert torch.equal(found[0].items, found[1].items) and torch.equal(found[0].log_q, found[1].log_q)
    assert not any((row[:, None] == torch.from_numpy(item[user == u])).any() for u, row in enumerate(found[0].items))
