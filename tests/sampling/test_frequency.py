"""The estimate of a stream against the probabilities that the stream was made with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from turret.core.contracts import Step
from turret.sampling.frequency import Counted, Estimated

SHARES = (1 / np.arange(1, 201) ** 1.2) / (1 / np.arange(1, 201) ** 1.2).sum()
"""Of a batch of 256 the first item has some 70 places, the last is in every 10th."""


def stream(steps: int, shares: np.ndarray = SHARES, seed: int = 0) -> torch.Tensor:
    """int64 [steps, 256]."""
    return torch.from_numpy(np.random.default_rng(seed).choice(len(shares), (steps, 256), p=shares))


def after(estimated: Estimated, batches: torch.Tensor, first: int = 0) -> Estimated:
    for number, batch in enumerate(batches, first):
        estimated.observe(batch, Step(number, torch.Generator()))
    return estimated


def test_counts() -> None:
    found = Counted(np.array([1, 3, 0, 4])).log_prob(torch.tensor([[0, 1], [2, 3]]))
    assert found.exp().flatten().tolist() == pytest.approx([0.125, 0.375, 0, 0.5])


def test_a_stationary_stream_comes_near_its_probabilities() -> None:
    """Of items that fill many places of each batch, of such that are in about every batch, and of rare ones."""
    estimated = after(Estimated(200, rate=0.005), stream(4000))
    error = estimated.log_prob(torch.arange(200)).double() - torch.from_numpy(np.log(SHARES))
    assert error.abs().max() < 0.35 and error.square().mean().sqrt() < 0.08
    assert abs(error[:10].mean()) < 0.03 and abs(error[10:60].mean()) < 0.03 and abs(error[100:].mean()) < 0.03


def test_equals_the_recurrence_by_hand() -> None:
    estimated = Estimated(4, rate=0.5)
    after(estimated, torch.tensor([[0, 1, 1, 2], [1, 2, 2, 2], [3, 3, 3, 3], [0, 1, 1, 1]]))
    # steps between: of 0 1 then 3, of 1 1, 1, 2, of 2 1, 1, of 3 3; shares likewise; the second time counts 1/2, and so does the third
    between = [(1 + 3) / 2, ((1 + 1) / 2 + 2) / 2, 1, 3]
    share = [1 / 4, ((2 / 4 + 1 / 4) / 2 + 3 / 4) / 2, (1 / 4 + 3 / 4) / 2, 1]
    expected = [s / b for s, b in zip(share, between, strict=True)]
    assert estimated.log_prob(torch.arange(4)).exp().tolist() == pytest.approx(expected)


def test_what_never_came_has_no_probability() -> None:
    assert after(Estimated(3), torch.tensor([[0, 1]])).log_prob(torch.tensor([2, 0])).tolist() == pytest.approx([-np.inf, np.log(0.5)])


def test_follows_a_stream_that_changes() -> None:
    turned = SHARES[::-1].copy()
    estimated = after(after(Estimated(200, rate=0.05), stream(500)), stream(1500, turned, seed=1), first=500)
    error = estimated.log_prob(torch.arange(200)).double() - torch.from_numpy(np.log(turned))
    assert error[100:].abs().mean() < 0.2


def test_goes_on_as_if_it_had_not_been_interrupted() -> None:
    batches, whole, first, second = stream(60), Estimated(200), Estimated(200), Estimated(200)
    after(whole, batches)
    state = after(first, batches[:25]).state()
    after(first, batches[25:], first=25)  # what was told is not touched by what comes later
    second.restore(state)
    after(second, batches[25:], first=25)
    for name, values in whole.state().items():
        assert torch.equal(values, second.state()[name])
    assert all(name in state for name in whole.state())
