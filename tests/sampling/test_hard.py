"""Hard negatives: frequencies against log q, against all pools there are, and ties."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.context import PerRow
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.sampling.drawn import Drawn
from turret.sampling.hard import Hardest, Resampled, Weighing, compared, compared_by_sorting, importance, softened
from turret.sampling.popularity import Popularity
from turret.sampling.uniform import Uniform

Asked = Callable[..., Targets]
Fits = Callable[[Tensor, Tensor], None]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def told(negatives: PerRow, n_items: int) -> Tensor:
    """float [T, I] log q by item, from the draws of each; minus infinity for what was not drawn."""
    return torch.full((len(negatives.items), n_items), -torch.inf).scatter(1, negatives.items, negatives.log_q)


@pytest.mark.parametrize("pool", [1, 3, 10])
def test_frequencies_of_the_hardest_are_its_probabilities(pool: int, asked: Asked, fits: Fits) -> None:
    seen = Interactions(np.array([0, 0, 1, 1, 1, 2]), np.array([3, 4, 0, 1, 2, 5]), 3, 12)
    items = torch.randn(12, 4, generator=generator())
    items[7] = items[8] = items[9]
    targets = asked(items, torch.randn(3, 4, generator=generator(1)), target=torch.tensor([3, 0, 5]), users=torch.arange(3))
    negatives = Hardest(12, 350_000, pool, seen, corrected=True)(targets, Step(0, generator(2)))
    assert negatives.mask is None
    log_q = told(negatives, 12)
    if pool < 10:  # with more, the worst are never seen, and their probabilities not told
        fits(negatives.items, log_q)
    log_q = log_q.masked_fill(log_q == -torch.inf, -40).exp()
    assert torch.allclose(log_q.sum(dim=1), torch.ones(3), atol=1e-4)


def test_the_hardest_against_all_pools(asked: Asked) -> None:
    scores = torch.tensor([[0.5], [2.0], [2.0], [-1.0], [0.1]])
    targets = asked(scores, torch.ones(1, 1), target=torch.tensor([4]))
    probability = np.zeros(5)
    eligible = scores[:, 0].clone()
    eligible[4] = -9  # the right item is the worst there is
    for pool in itertools.product(range(5), repeat=3):
        probability[max(pool, key=lambda item: float(eligible[item]) - 1e-6 * pool.index(item))] += 1 / 125
    negatives = Hardest(5, 20_000, 3, corrected=True)(targets, Step(0, generator()))
    assert torch.equal(negatives.mask, negatives.items != 4)
    assert np.allclose(told(negatives, 5).exp().numpy()[0], probability, atol=1e-6)


def test_the_hardest_is_the_best_of_its_pool(asked: Asked) -> None:
    targets = asked(torch.arange(50.0)[:, None], torch.tensor([[1.0], [-1.0]]), target=torch.tensor([49, 0]))
    negatives = Hardest(50, 4, 2000)(targets, Step(0, generator()))
    assert negatives.items.tolist() == [[48] * 4, [1] * 4]
    assert torch.isnan(negatives.log_q).all()


def test_users_who_have_taken_everything_draw_from_all(asked: Asked) -> None:
    seen = Interactions(np.array([0, 0]), np.array([0, 1]), 1, 2)
    targets = asked(torch.tensor([[1.0], [2.0]]), torch.ones(1, 1), target=torch.tensor([1]), users=torch.tensor([0]))
    negatives = Hardest(2, 10_000, 2, seen, corrected=True)(targets, Step(0, generator()))
    assert torch.equal(negatives.mask, negatives.items != 1)
    assert np.allclose(told(negatives, 2).exp().numpy(), [[0.75, 0.25]])
    assert float(negatives.mask.float().mean()) == pytest.approx(0.75, abs=0.02)


def test_one_item_alone(asked: Asked) -> None:
    targets = asked(torch.ones(1, 1), torch.ones(1, 1))
    negatives = Hardest(1, 3, 2, corrected=True)(targets, Step(0, generator()))
    assert negatives.items.tolist() == [[0] * 3] and not negatives.mask.any()
    assert negatives.log_q.tolist() == [[0.0] * 3]


def test_comparing_is_sorting() -> None:
    scores = torch.randint(-20, 20, (7, 90), generator=generator()).float()
    scores[:, ::7] = -torch.inf
    scores[2, 1] = torch.finfo(torch.float32).min
    items = torch.tensor([[1, 2, 3, 89, 1]]).expand(7, -1)
    for ours, theirs in zip(compared(scores, items), compared_by_sorting(scores, items), strict=True):
        assert torch.equal(ours, theirs)
    assert compared(scores, items)[0][2, 0] == (scores[2] > -torch.inf).sum() - 1


WEIGHINGS = {"softened": softened(0.7), "importance": importance(), "soft as can be": softened(1e9)}


@pytest.mark.parametrize("weighing", WEIGHINGS.values(), ids=WEIGHINGS)
@pytest.mark.parametrize("pool", [1, 2, 6])
def test_the_mean_of_q_is_the_frequency(weighing: Weighing, pool: int, asked: Asked, fits: Fits) -> None:
    rows, n = 1_000_000, 6
    items = torch.randn(n, 3, generator=generator())
    query = torch.randn(1, 3, generator=generator(1)).expand(rows, -1).contiguous()
    targets = asked(items, query, target=torch.full((rows,), 2))
    counts = np.array([1.0, 5, 2, 8, 1, 3])
    sampler = Resampled(Drawn(Popularity(counts), pool), 1, weighing, corrected=True)
    negatives = sampler(targets, Step(0, generator(2)))
    assert torch.equal(negatives.mask, negatives.items != 2)
    assert torch.isfinite(negatives.log_q).all()
    drawn, p = negatives.items[:, 0], negatives.log_q[:, 0].double().exp()
    times = drawn.bincount(minlength=n)
    mean = torch.zeros(n, dtype=torch.float64).index_add_(0, drawn, p) / times
    square = torch.zeros(n, dtype=torch.float64).index_add_(0, drawn, p.square()) / times
    error = ((square - mean.square()).clamp(min=0) / times + mean * (1 - mean) / rows).sqrt()
    others = torch.arange(n) != 2  # which is masked, and drawn only where the pool had nothing else
    assert float(((times / rows - mean).abs() / error)[others].max()) < 4


def test_resampling_by_importance_comes_near_the_softmax(asked: Asked, fits: Fits) -> None:
    items = torch.randn(10, 3, generator=generator())
    rows = 20_000
    query = torch.randn(1, 3, generator=generator(1)).expand(rows, -1).contiguous()
    users = torch.zeros(rows, dtype=torch.int64)
    seen = Interactions(np.array([0, 0]), np.array([1, 2]), 1, 10)
    targets = asked(items, query, target=torch.ones(rows, dtype=torch.int64), users=users)
    negatives = Resampled(Drawn(Popularity(np.arange(1, 11.0)), 400, seen), 1, importance())(targets, Step(0, generator(2)))
    scores = (query[:1] @ items.T).index_fill(1, torch.tensor([1, 2]), -torch.inf)
    frequency = negatives.items[:, 0].bincount(minlength=10) / rows
    assert float((frequency - torch.softmax(scores, dim=1)[0]).abs().sum()) / 2 < 0.02
    assert torch.isnan(negatives.log_q).all()


def test_cold_is_the_hardest_and_hot_the_proposal(asked: Asked) -> None:
    targets = asked(torch.arange(50.0)[:, None], torch.ones(2, 1), target=torch.tensor([49, 0]))
    cold = Resampled(Uniform(50, 2000), 5, softened(1e-3))(targets, Step(0, generator()))
    assert cold.items.tolist() == [[48] * 5, [49] * 5]
    hot = Resampled(Uniform(50, 500), 20_000, softened(1e6))(targets, Step(0, generator()))
    assert float(hot.items.float().mean()) == pytest.approx(24.5, abs=1)


def test_a_pool_of_the_right_item_alone_is_masked(asked: Asked) -> None:
    targets = asked(torch.ones(1, 1), torch.ones(1, 1))
    negatives = Resampled(Uniform(1, 3), 2, softened(1.0), corrected=True)(targets, Step(0, generator()))
    assert not negatives.mask.any()
    assert torch.isfinite(negatives.log_q).all()


def test_carries_what_its_proposal_carries(asked: Asked) -> None:
    from turret.sampling.midx import Midx

    targets = asked(torch.randn(30, 4, generator=generator()), torch.randn(5, 4, generator=generator(1)))
    first, second = (Resampled(Drawn(Midx(np.ones(30), 3, 10), 20), 4, softened(1.0), corrected=True) for _ in range(2))
    first(targets, Step(0, generator(2)))
    second.restore(first.state())
    ours, theirs = (sampler(targets, Step(1, generator(3))) for sampler in (first, second))
    assert torch.equal(ours.items, theirs.items) and torch.equal(ours.log_q, theirs.log_q)
