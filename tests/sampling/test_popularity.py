from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.contracts import Targets
from turret.sampling.popularity import Popularity, log_count, power, smoothed

Fits = Callable[[Tensor, Tensor], None]
Answers = Callable[..., Targets]
COUNTS = np.array([1000, 1, 0, 30, 30, 5, 0])
ZIPF = (1e5 / np.arange(1, 2001)).astype(np.int64)[np.random.default_rng(0).permutation(2000)]


def test_masses_are_those_of_their_names() -> None:
    counts = np.array([0, 1, 4])
    assert power(counts, 0.5).tolist() == [0, 1, 2] and power(counts, 0).tolist() == [1, 1, 1]
    assert log_count(counts).tolist() == pytest.approx([0, 0.6931471805599453, 1.6094379124341003])
    assert smoothed(counts, 0.5).tolist() == [0.5, 1.5, 4.5]


@pytest.mark.parametrize("counts", [COUNTS, ZIPF, np.array([3]), np.array([0, 2]), np.array([5, 0, 1])], ids=len)
@pytest.mark.parametrize(
    "mass", [lambda c: power(c, 0.75), lambda c: power(c, 1.0), log_count, smoothed], ids=["0.75", "1", "log", "smoothed"]
)
def test_draws_have_their_share(fits: Fits, answers: Answers, counts: np.ndarray, mass: Callable[[np.ndarray], np.ndarray]) -> None:
    popularity, asked = Popularity(mass(counts)), answers([0])
    items = popularity.draw(asked, 1_000_000, torch.Generator().manual_seed(3))
    log_prob = popularity.log_prob(asked, torch.arange(len(counts))[None])
    fits(items, log_prob)
    np.testing.assert_allclose(log_prob[0].double().exp(), mass(counts) / mass(counts).sum(), rtol=1e-6)
    assert (mass(counts)[items.unique().numpy()] > 0).all()


@pytest.mark.parametrize("items", [1, 2, 3, 50, 1000, 100_000])
def test_equals_a_plain_search(items: int) -> None:
    """Also at the bounds and beside them, where many items share a cell of the guide, and where the first and the last have no mass."""
    draw = np.random.default_rng(items)
    mass = np.where(draw.random(items) < 0.5, 0, 10.0 ** draw.uniform(-12, 3, items))
    mass[items // 2] = 1
    upper = np.cumsum(mass) / np.cumsum(mass)[-1]
    beside = np.concatenate([[0, 1 - 2**-53], upper, np.nextafter(upper, 0), np.nextafter(upper, 2), draw.random(50_000)])
    uniform = beside[(beside >= 0) & (beside < 1)]
    found = Popularity(mass).at(torch.from_numpy(uniform)).numpy()
    assert np.array_equal(found, np.searchsorted(upper, uniform, side="right"))
    assert np.array_equal(found, torch.searchsorted(torch.from_numpy(upper), torch.from_numpy(uniform), right=True).numpy())
    assert (mass[found] > 0).all()


def test_the_number_of_threads_changes_nothing(answers: Answers) -> None:
    popularity, before, found = Popularity(power(ZIPF)), torch.get_num_threads(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found.append(popularity.draw(answers([0] * 1000), 100, torch.Generator().manual_seed(0)))
    torch.set_num_threads(before)
    assert torch.equal(*found)


@pytest.mark.parametrize("mass", [[0.0, 0.0], [1.0, -1.0, 5.0], [1.0, np.nan], [1.0, np.inf]])
def test_refuses_what_is_no_distribution(mass: list[float]) -> None:
    with pytest.raises(ValueError, match="mass"):
        Popularity(np.array(mass))
