"""Draws from inside buckets: the compiled search against the one in torch, and frequencies against the masses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from turret.sampling.buckets import Buckets

MASS = torch.tensor([3.0, 0, 1, 1, 0, 5, 0, 2, 1e-3], dtype=torch.float64)
BUCKET = torch.tensor([2, 2, 0, 2, 4, 2, 2, 0, 0])


def test_masses_are_those_of_the_items() -> None:
    assert torch.allclose(Buckets(BUCKET, 6, MASS).mass, torch.zeros(6, dtype=torch.float64).index_add(0, BUCKET, MASS))


def test_frequencies_are_the_shares() -> None:
    buckets, generator = Buckets(BUCKET, 6, MASS), torch.Generator().manual_seed(0)
    bucket = torch.randint(2, (1000, 1000), generator=generator) * 2
    items = buckets.draw(bucket, torch.rand(1000, 1000, generator=generator, dtype=torch.float64))
    assert torch.equal(BUCKET[items], bucket)
    for place in (0, 2):
        members = np.flatnonzero((place == BUCKET) & (MASS > 0))
        found = np.bincount(items[bucket == place], minlength=9)
        assert found.sum() == found[members].sum()
        expected = MASS.numpy()[members] / MASS.numpy()[members].sum() * found.sum()
        assert stats.chisquare(found[members], expected).pvalue > 1e-3


@pytest.mark.parametrize("mass", ["ones", "skewed", "holes"])
def test_compiled_search_is_the_search(mass: str) -> None:
    generator = torch.Generator().manual_seed(1)
    skewed = torch.rand(5000, generator=generator, dtype=torch.float64) ** -1.5
    masses = {"ones": torch.ones_like(skewed), "skewed": skewed, "holes": skewed * (torch.rand(5000, generator=generator) > 0.5)}[mass]
    buckets = Buckets(torch.randint(300, (5000,), generator=generator) ** 2 // 300, 300, masses)
    bucket = buckets.mass.nonzero()[:, 0].repeat(200, 1)
    uniform = torch.rand(bucket.shape, generator=generator, dtype=torch.float64)
    uniform[0], uniform[1] = 0, 1 - 2**-53
    items = buckets.draw(bucket, uniform)
    assert torch.equal(items, buckets.draw_by_search(bucket, uniform))
    assert (masses[items] > 0).all()
