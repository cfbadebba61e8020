"""In-batch and mixed negatives of a simulated stream, against the probabilities that it was made with."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.sampling.frequency import Counted, Estimated
from turret.sampling.in_batch import InBatch
from turret.sampling.mixed import Mixed

Fits = Callable[[Tensor, Tensor], None]
Answers = Callable[..., Targets]
Took = Callable[[dict[int, list[int]], int], Interactions]
COUNTS = np.array([100_000, 2_000, 0, 300, 30, 30, 7, 1])
SHARES = COUNTS / COUNTS.sum()


def step(number: int = 0, seed: int = 0) -> Step:
    return Step(number, torch.Generator().manual_seed(seed + number))


def batches(steps: int, rows: int, shares: np.ndarray = SHARES) -> np.ndarray:
    return np.random.default_rng(0).choice(len(shares), (steps, rows), p=shares)


def test_all_targets_are_shared_but_for_a_row_s_own(answers: Answers) -> None:
    drawn = InBatch(Counted(np.array([1, 3, 4])))(answers([2, 0, 2]), step())
    assert drawn.items.tolist() == [2, 0, 2]
    assert drawn.log_q.tolist() == pytest.approx([math.log(0.5), math.log(0.125), math.log(0.5)])
    assert drawn.mask is not None and drawn.mask.tolist() == [[False, True, False], [True, False, True], [False, True, False]]
    assert drawn.positive_log_q is not None and drawn.positive_log_q.tolist() == drawn.log_q.tolist()


@pytest.mark.parametrize("kind", ["in_batch", "mixed"])
def test_what_the_row_s_user_took_is_masked(answers: Answers, took: Took, kind: str) -> None:
    taken = {0: [2, 1], 1: [0], 2: [0, 1, 2, 3]}
    frequency, seen = Counted(np.array([1, 3, 4, 1])), took(taken, 4)
    sampler = InBatch(frequency, seen) if kind == "in_batch" else Mixed(frequency, 4, 50, seen)
    drawn = sampler(answers([2, 0, 3], [0, 1, 2]), step())
    hidden = [{1, 2}, {0}, {3}]  # who took everything has only the right item masked
    assert drawn.mask is not None
    assert drawn.mask.tolist() == [[item not in row for item in drawn.items.tolist()] for row in hidden]
    with pytest.raises(ValueError, match="users"):
        sampler(answers([2]), step())


def test_items_of_a_batch_come_as_often_as_log_q_says(fits: Fits, answers: Answers) -> None:
    sampler = InBatch(Counted(COUNTS))
    drawn = [sampler(answers(batch), step(n)) for n, batch in enumerate(batches(4000, 256))]
    fits(torch.cat([each.items for each in drawn])[None], sampler.frequency.log_prob(torch.arange(8))[None])
    for each in drawn:
        np.testing.assert_allclose(each.log_q.exp(), SHARES[each.items], rtol=1e-5)


@pytest.mark.parametrize(("n_items", "negative_count"), [(8, 100), (3, 500), (1, 64)])
def test_mixed_items_come_as_often_as_log_q_says(fits: Fits, answers: Answers, n_items: int, negative_count: int) -> None:
    counts = COUNTS[:n_items]
    sampler = Mixed(Counted(counts), n_items, negative_count)
    drawn = [sampler(answers(batch), step(n)) for n, batch in enumerate(batches(4000, 256, counts / counts.sum()))]
    assert all(each.items.shape == each.log_q.shape == (256 + negative_count,) for each in drawn)
    told = torch.full((n_items,), -torch.inf)
    for each in drawn:
        told[each.items] = each.log_q
    expected = (256 * counts / counts.sum() + negative_count / n_items) / (256 + negative_count)
    np.testing.assert_allclose(told.exp(), expected, rtol=1e-5)
    places = torch.randint(256 + negative_count, (4000, 256), generator=torch.Generator().manual_seed(0))
    anywhere = torch.stack([each.items for each in drawn]).gather(1, places)  # places by themselves come from the batch, or do not
    fits(anywhere.reshape(1, -1), torch.from_numpy(expected).log()[None])
    assert all(each.positive_log_q is not None and torch.equal(each.positive_log_q, each.log_q[:256]) for each in drawn)


@pytest.mark.parametrize("kind", ["in_batch", "mixed"])
def test_sums_over_a_batch_estimate_sums_over_the_catalogue(answers: Answers, took: Took, kind: str) -> None:
    """What a sampled softmax rests on: the mean of f(i) / q_i over the places is the sum of f over all items that are not masked."""
    counts, taken = np.array([50, 20, 10, 5, 5, 10]), [1, 3]
    f = np.random.default_rng(1).random(6)
    frequency, seen = Counted(counts), took({0: taken}, 6)
    sampler = InBatch(frequency, seen) if kind == "in_batch" else Mixed(frequency, 6, 32, seen)
    sums = []
    for number, batch in enumerate(batches(2000, 64, counts / counts.sum())):
        batch[0] = 1  # the row that is looked at: its own place is never a draw, so that the others are counted
        drawn = sampler(answers(batch, [0] * 64), step(number))
        assert drawn.mask is not None
        terms = np.where(drawn.mask[0], f[drawn.items] / drawn.log_q.exp().numpy(), 0)
        sums.append(terms.sum() / len(terms) if kind == "mixed" else terms.sum() / (len(terms) - 1))
    expected = f[[0, 2, 4, 5]].sum()
    error = np.std(sums) / math.sqrt(len(sums))
    share_of_own_place = 0 if kind == "in_batch" else expected / (64 + 32)
    assert np.mean(sums) == pytest.approx(expected, abs=5 * error + share_of_own_place)


@pytest.mark.parametrize("kind", ["in_batch", "mixed"])
def test_an_estimate_is_resumed_with_its_sampler(answers: Answers, kind: str) -> None:
    def sampler() -> InBatch | Mixed:
        return InBatch(Estimated(8)) if kind == "in_batch" else Mixed(Estimated(8), 8, 5)

    whole, first, second, rows = sampler(), sampler(), sampler(), batches(40, 32)
    for number, batch in enumerate(rows):
        expected = whole(answers(batch), step(number))
        if number < 20:
            first(answers(batch), step(number))
        if number == 20:
            second.restore(first.state())
        if number >= 20:
            found = second(answers(batch), step(number))
            assert torch.equal(found.log_q, expected.log_q) and torch.equal(found.items, expected.items)
    assert set(whole.state()) and not InBatch(Counted(COUNTS)).state()
