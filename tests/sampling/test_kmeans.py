"""k-means against scipy's, against all partitions of a few points, and on data that leaves clusters empty."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from turret.sampling import kmeans


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def inertia(vectors: Tensor, centres: Tensor) -> float:
    return float(torch.cdist(vectors.double(), centres.double()).amin(dim=1).square().sum())


@pytest.mark.parametrize("shape", [(600, 8, 10), (1000, 2, 16), (500, 32, 7)])
def test_is_no_worse_than_scipy(shape: tuple[int, int, int]) -> None:
    n, width, count = shape
    middles = 1.5 * torch.randn(count, width, generator=generator(1))
    vectors = middles[torch.arange(n) % count] + torch.randn(n, width, generator=generator(2))
    theirs = [kmeans2(vectors.double().numpy(), count, minit="++", rng=seed, iter=50)[0] for seed in range(15)]
    reference = [inertia(vectors, torch.from_numpy(centres)) for centres in theirs]
    ours = [inertia(vectors, kmeans.fit(vectors, count, None, generator(seed))) for seed in range(15)]
    assert np.mean(ours) < 1.05 * np.mean(reference)
    assert min(ours) < 1.03 * min(reference)


def test_finds_the_best_of_all_partitions() -> None:
    vectors = torch.randn(8, 2, generator=generator())
    partitions = (torch.tensor(labels) for labels in itertools.product(range(2), repeat=8) if 0 < sum(labels) < 8)
    best = min(sum(float((g := vectors[labels == k]).sub(g.mean(dim=0)).square().sum()) for k in range(2)) for labels in partitions)
    found = min(inertia(vectors, kmeans.fit(vectors, 2, None, generator(seed))) for seed in range(10))
    assert found == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("count", [5, 6, 50])
def test_as_many_centres_as_different_vectors_are_those_vectors(count: int) -> None:
    different = torch.randn(5, 3, generator=generator())
    vectors = different[torch.tensor([0] * 200 + [1] * 30 + [2, 3, 4, 4])]
    centres = kmeans.fit(vectors, count, None, generator())
    assert centres.shape == (count, 3)
    assert torch.equal(centres[kmeans.nearest(vectors, centres)], vectors)


def test_centres_that_have_become_the_same_part_again() -> None:
    centres = kmeans.fit(torch.zeros(40, 2), 4, None, generator())
    assert torch.equal(centres, torch.zeros(4, 2))
    vectors = torch.tensor([[0.0, 0], [0, 1], [1, 0], [5, 5]]).repeat(10, 1)
    centres = kmeans.fit(vectors, 4, centres, generator())
    assert inertia(vectors, centres) == 0


@pytest.mark.parametrize(("n", "width", "count"), [(1, 3, 1), (1, 3, 4), (3, 0, 2), (7, 1, 1)])
def test_small_cases(n: int, width: int, count: int) -> None:
    vectors = torch.randn(n, width, generator=generator())
    centres = kmeans.fit(vectors, count, None, generator())
    assert centres.shape == (count, width)
    assert torch.isfinite(centres).all()
    assert kmeans.nearest(vectors, centres).max() < count
    if count == 1:
        assert torch.allclose(centres[0], vectors.mean(dim=0))


def test_a_sample_is_enough_of_many_vectors() -> None:
    vectors = torch.randn(40_000, 8, generator=generator())
    ours = inertia(vectors, kmeans.fit(vectors, 16, None, generator()))
    assert ours < 1.03 * inertia(vectors, torch.from_numpy(kmeans2(vectors.numpy(), 16, minit="++", rng=0, iter=12)[0]))


def test_goes_on_from_where_it_was() -> None:
    vectors = torch.randn(400, 4, generator=generator())
    before = kmeans.fit(vectors, 8, None, generator(1))
    after = kmeans.fit(vectors + 0.01, 8, before, generator(2))
    assert inertia(vectors + 0.01, after) <= inertia(vectors, before) * (1 + 1e-6)
    assert float((after - before - 0.01).abs().max()) < 0.5


def test_nearest_is_nearest_far_from_the_origin() -> None:
    centres = torch.randn(20, 6, generator=generator()) + 1000
    vectors = torch.randn(500, 6, generator=generator(1)) + 1000
    distance = torch.cdist(vectors.double(), centres.double())
    chosen = distance.gather(1, kmeans.nearest(vectors, centres)[:, None])[:, 0]
    assert torch.allclose(chosen, distance.amin(dim=1), atol=1e-4)
