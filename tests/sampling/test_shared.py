"""Shared draws by popularity against recorded ones, a plain search, and their own probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats

from turret.core.context import Shared
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.sampling.shared import SharedPopularity

Arrays = dict[str, np.ndarray]
COUNTS = np.array([1, 400, 3, 0, 25, 25, 1000])


@pytest.mark.real_data
@pytest.mark.parametrize("alpha", ["0", "0.4", "0.5", "0.75", "1"])
def test_equals_the_recorded_draws(golden: Callable[..., Arrays], alpha: str) -> None:
    recorded = golden("sampler")
    theirs = golden("sampler", f"alpha{alpha}")
    sampler = SharedPopularity(recorded["counts"], 8, float(alpha))
    assert sampler.upper.numpy().tobytes() == theirs["cdf"].tobytes()
    generator = torch.Generator().manual_seed(11)
    assert np.array_equal(np.stack([sampler.draw(generator).numpy() for _ in range(500)]), theirs["samples"])
    assert np.array_equal(sampler.at(torch.from_numpy(recorded["uniforms_seed11"])).numpy(), theirs["samples"].ravel())
    assert np.array_equal(sampler.at(sampler.upper[:-1]).numpy(), theirs["samples_at_cdf_values"])


@pytest.mark.real_data
def test_equals_the_bounds_of_the_recorded_iterator(golden: Callable[..., Arrays], toy: Interactions) -> None:
    assert np.array_equal(SharedPopularity(toy.item_counts, 4, 0.5).upper.numpy(), golden("iterator")["sampling_cdf_alpha0.5"])


@pytest.mark.real_data
@pytest.mark.parametrize(("part", "alpha"), [("xe", 0.75), ("bpr", 0.4)])
def test_equals_the_recorded_draws_of_real_items(golden: Callable[..., Arrays], rsc15: Interactions, part: str, alpha: float) -> None:
    """What a mini-batch draws does not depend on how many are drawn at once."""
    sampler, generator = SharedPopularity(rsc15.item_counts, 2048, alpha), torch.Generator().manual_seed(1)
    for row in golden("real", part)["negatives"]:
        assert np.array_equal(sampler.draw(generator).numpy(), row)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("items", [1, 2, 50, 100_000])
def test_equals_a_plain_search(items: int, alpha: float) -> None:
    """Also where many bounds lie in one cell of the guide, and at the bounds themselves and beside them."""
    draw = np.random.default_rng(items)
    counts = np.where(draw.random(items) < 0.3, 1, draw.zipf(1.5, items).clip(max=10**6))
    sampler = SharedPopularity(counts, 10, alpha)
    upper = sampler.upper.numpy()
    beside = np.concatenate(
        [upper, np.nextafter(upper, np.float32(0)), np.nextafter(upper, np.float32(2)), draw.random(50_000, dtype=np.float32)]
    )
    cells = np.arange(0, 1, 1 / 65536, dtype=np.float32)
    uniform = np.concatenate([beside[(beside >= 0) & (beside < 1)], cells, np.float32([0, 1 - 2**-24])])
    found = sampler.at(torch.from_numpy(uniform)).numpy()
    assert np.array_equal(found, np.searchsorted(upper, uniform, side="right"))
    assert np.array_equal(found, torch.searchsorted(sampler.upper, torch.from_numpy(uniform), right=True).numpy())


def test_bounds_are_summed_in_double_precision() -> None:
    """Each is the float32 nearest to the exact share; sums in single precision drift apart from it."""
    counts = np.random.default_rng(0).integers(1, 1000, 300_000)
    exact = np.cumsum(np.longdouble(counts) ** 0.75) / (np.longdouble(counts) ** 0.75).sum()
    upper = SharedPopularity(counts, 1, 0.75).upper.numpy()
    assert (np.abs(upper - exact) <= 0.501 * np.spacing(upper)).all() and upper[-1] == 1


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_draws_have_their_probability(alpha: float) -> None:
    sampler, counts = SharedPopularity(COUNTS, 1_000_000, alpha), COUNTS
    found = np.bincount(sampler.draw(torch.Generator().manual_seed(0)).numpy(), minlength=len(counts))
    mass = counts.astype(float) ** alpha
    possible = mass > 0
    assert not found[~possible].any()
    assert stats.chisquare(found[possible], mass[possible] / mass.sum() * 1e6).pvalue > 1e-3


def test_the_probabilities_it_says(answers: Callable[..., Targets]) -> None:
    sampler = SharedPopularity(COUNTS, 100, 0.5)
    drawn = sampler(answers([6, 6, 1]), Step(0, torch.Generator().manual_seed(0)))
    assert isinstance(drawn, Shared) and drawn.items.shape == drawn.log_q.shape == (100,)
    mass = np.sqrt(COUNTS)
    assert drawn.log_q.exp().numpy() == pytest.approx((mass / mass.sum())[drawn.items.numpy()], rel=1e-5)
    assert (drawn.items == 6).sum() > 10, "the queries' own targets are not left out"
    assert drawn.mask is not None and torch.equal(drawn.mask, drawn.items != torch.tensor([[6], [6], [1]]))
    assert drawn.positive_log_q is not None
    assert drawn.positive_log_q.exp().numpy() == pytest.approx((mass / mass.sum())[[6, 6, 1]], rel=1e-5)


def test_more_draws_than_items_and_repetitions() -> None:
    items = SharedPopularity(np.array([5, 5, 5]), 2048, 0.5).draw(torch.Generator().manual_seed(0))
    assert items.shape == (2048,) and items.dtype == torch.int64 and set(items.tolist()) == {0, 1, 2}


def test_an_item_too_rare_for_single_precision_is_never_drawn() -> None:
    sampler = SharedPopularity(np.array([10**9, 1, 10**9]), 5, 1.0)
    assert sampler.upper[0] == sampler.upper[1]
    assert sampler.at(sampler.upper[:1]).tolist() == [2] and sampler.at(torch.nextafter(sampler.upper[:1], torch.zeros(1))).tolist() == [0]


def test_the_same_seed_draws_the_same() -> None:
    sampler = SharedPopularity(COUNTS, 50, 0.5)
    one, same, other = (sampler.draw(torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
