"""Draws by clusters: frequencies against probabilities, and probabilities against the formula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.sampling.clusters import Clusters
from turret.sampling.drawn import Drawn

Asked = Callable[..., Targets]
Fits = Callable[[Tensor, Tensor], None]
CASES = {
    "skewed": (500, 12, 1.0, "skewed"),
    "holes": (200, 7, 1.0, "holes"),
    "one item": (1, 3, 1.0, "ones"),
    "two items": (2, 2, 1.0, "skewed"),
    "three items": (3, 1, 1.0, "skewed"),
    "empty clusters": (10, 40, 1.0, "skewed"),
    "large scores": (60, 9, 400.0, "ones"),
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", CASES)
def test_frequencies_and_probabilities_are_those_of_the_formula(name: str, asked: Asked, fits: Fits) -> None:
    n, count, scale, kind = CASES[name]
    mass = {"ones": np.ones(n), "skewed": np.arange(1, n + 1.0) ** -1.2}.get(kind, np.arange(n) % 3 * 1.0)
    targets = asked(scale * torch.randn(n, 5, generator=generator()), torch.randn(4, 5, generator=generator(1)))
    clusters = Clusters(mass, count, 100)
    clusters.refresh(targets, Step(0, generator(2)))
    log_prob = clusters.log_prob(targets, torch.arange(n)[None])
    state = clusters.state()
    rounded = state["centres_0"][state["bucket"]].double()
    expected = torch.log_softmax(targets.query.double() @ rounded.T + torch.from_numpy(mass).log(), dim=1)
    assert torch.allclose(log_prob.double().nan_to_num(neginf=0), expected.nan_to_num(neginf=0), atol=1e-5, rtol=1e-6)
    fits(clusters.draw(targets, 250_000, generator(3)), log_prob)


def test_with_a_cluster_for_each_item_it_is_the_softmax(asked: Asked) -> None:
    items = torch.randn(20, 5, generator=generator())
    targets = asked(items, torch.randn(4, 5, generator=generator(1)))
    clusters = Clusters(np.ones(20), 20, 1)
    clusters.refresh(targets, Step(0, generator()))
    found = clusters.log_prob(targets, torch.arange(20)[None])
    assert torch.allclose(found, torch.log_softmax(targets.query @ items.T, dim=1), atol=1e-5)


def test_leaves_out_what_was_taken(asked: Asked, fits: Fits) -> None:
    seen = Interactions(np.array([0, 0, 1]), np.array([3, 4, 0]), 2, 12)
    items = torch.randn(12, 4, generator=generator())
    targets = asked(items, torch.randn(2, 4, generator=generator(1)), target=torch.tensor([3, 0]), users=torch.arange(2))
    negatives = Drawn(Clusters(np.arange(1, 13.0), 4, 10), 500_000, seen)(targets, Step(0, generator(2)))
    log_q = negatives.log_q.expand(negatives.items.shape)
    fits(negatives.items, torch.full((2, 12), -torch.inf).scatter(1, negatives.items, log_q))


def test_goes_on_from_a_state_as_if_it_had_not_stopped(asked: Asked) -> None:
    targets = asked(torch.randn(50, 4, generator=generator()), torch.randn(6, 4, generator=generator(1)))
    moved = asked(torch.randn(50, 4, generator=generator(2)), targets.query)
    first, second = (Clusters(np.ones(50), 5, 2) for _ in range(2))
    first.refresh(targets, Step(0, generator()))
    second.restore({name: value.clone() for name, value in first.state().items()})
    for clusters in (first, second):
        clusters.refresh(moved, Step(1, generator(7)))
    assert torch.equal(first.draw(moved, 90, generator()), second.draw(moved, 90, generator()))
    for clusters in (first, second):
        clusters.refresh(moved, Step(2, generator(7)))
    assert int(first.state()["step"]) == 2
    assert torch.equal(first.draw(moved, 90, generator()), second.draw(moved, 90, generator()))
