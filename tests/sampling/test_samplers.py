"""What samplers draw has the probability that they say: chi-square at fixed seeds over 10^6 draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from turret.core.context import Context, Encoded, History, Query
from turret.core.interactions import Interactions
from turret.sampling.choose import choose
from turret.sampling.in_batch import InBatch
from turret.sampling.popularity import Popularity
from turret.sampling.uniform import Uniform, Unseen

NOTHING = (Query(torch.zeros(0)), Encoded(items=None))  # type: ignore[arg-type]


def seen(pairs: dict[int, list[int]], n_items: int) -> Interactions:
    user = np.array([u for u, items in pairs.items() for _ in items], dtype=np.int32)
    item = np.array([i for items in pairs.values() for i in items], dtype=np.int32)
    return Interactions(user, item, max(pairs) + 1, n_items)


def fits(items: torch.Tensor, probability: np.ndarray) -> bool:
    """Whether the draws could come from these probabilities; an impossible item must never come."""
    counts = np.bincount(items.flatten().numpy(), minlength=len(probability))
    possible = probability > 0
    assert counts[~possible].sum() == 0
    return possible.sum() == 1 or bool(stats.chisquare(counts[possible], probability[possible] * counts.sum()).pvalue > 1e-3)


def test_uniform_over_all_items() -> None:
    drawn = Uniform(7, 1000)(Context(users=torch.zeros(1000)), torch.zeros(1000), *NOTHING, torch.Generator().manual_seed(0))
    assert fits(drawn.items, np.full(7, 1 / 7))
    assert drawn.log_q.exp().unique().tolist() == pytest.approx([1 / 7])


@pytest.mark.parametrize("items", [[], [0], [6], [0, 1, 2], [2, 3, 5, 5], [0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]])
def test_uniform_over_unseen_items(items: list[int]) -> None:
    sampler = Uniform(7, 1000, seen({0: [3, 4], 1: items, 2: [1, 6]}, 7))
    users = torch.ones(1000, dtype=torch.int64)
    drawn = sampler(Context(users=users), users, *NOTHING, torch.Generator().manual_seed(1))
    probability = np.array([0.0 if item in items else 1 / (7 - len(set(items))) for item in range(7)])
    assert fits(drawn.items, probability)
    assert drawn.log_q.exp().unique().tolist() == pytest.approx([probability.max()])


def test_a_user_who_has_seen_everything_draws_from_everything() -> None:
    sampler = Uniform(4, 1000, seen({0: [0, 1, 2, 3], 1: [2]}, 4))
    users = torch.zeros(100, dtype=torch.int64)
    assert fits(sampler(Context(users=users), users, *NOTHING, torch.Generator().manual_seed(2)).items, np.full(4, 0.25))


def test_queries_inside_a_history_leave_out_what_their_own_user_has_seen() -> None:
    sampler = Uniform(5, 50, seen({0: [0, 1], 1: [3, 4]}, 5))
    history = History(torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3, dtype=torch.bool))
    context = Context(users=torch.tensor([0, 1]), history=history, asked=torch.tensor([0, 2, 3]))
    drawn = sampler(context, torch.zeros(3), *NOTHING, torch.Generator().manual_seed(0)).items
    assert [set(row.tolist()) for row in drawn] == [{2, 3, 4}, {2, 3, 4}, {0, 1, 2}]


def test_both_ways_to_draw_unseen_items_agree_and_keep_the_order_of_ranks() -> None:
    draw = np.random.default_rng(0)
    pairs = {user: draw.integers(0, 30, 12).tolist() for user in range(20)}
    unseen, users = Unseen(seen(pairs, 30), 30), torch.arange(20)
    uniform = torch.arange(1000, dtype=torch.float64).div(1000).expand(20, 1000).contiguous()
    ours, theirs = unseen.draw(users, uniform), unseen.draw_by_search(users, uniform)
    assert torch.equal(ours.items, theirs.items)
    torch.testing.assert_close(ours.log_q, theirs.log_q)
    for user in range(20):
        expected = sorted(set(range(30)) - set(pairs[user]))
        assert ours.items[user].unique_consecutive().tolist() == expected
        assert ours.log_q[user].item() == pytest.approx(-math.log(len(expected)))


@pytest.mark.parametrize("alpha", [0.5, 0.75, 1.0])
def test_popularity(alpha: float) -> None:
    counts = np.array([1000, 1, 0, 30, 30, 5])
    targets = torch.zeros(1000, dtype=torch.int64)
    drawn = Popularity(counts, 1000, alpha)(Context(users=targets), targets, *NOTHING, torch.Generator().manual_seed(3))
    probability = counts**alpha / (counts**alpha).sum()
    assert fits(drawn.items, probability)
    np.testing.assert_allclose(drawn.log_q.exp().double().numpy(), probability[drawn.items.numpy()], rtol=1e-5)


def test_in_batch_shares_the_targets() -> None:
    target = torch.tensor([2, 0, 2])
    drawn = InBatch(np.array([1, 3, 4]))(Context(users=target), target, *NOTHING, torch.Generator())
    assert torch.equal(drawn.items, target)
    assert drawn.log_q.tolist() == pytest.approx([math.log(0.5), math.log(0.125), math.log(0.5)])


def test_samplers_know_the_training_part_alone() -> None:
    train = seen({0: [0, 0, 1], 1: [1]}, 3)
    users = torch.zeros(4000, dtype=torch.int64)
    for name, possible in (("uniform", {2}), ("popularity", {0, 1})):
        drawn = choose(name, train, 1)(Context(users=users), users, *NOTHING, torch.Generator().manual_seed(0))  # type: ignore[arg-type]
        assert set(drawn.items.flatten().tolist()) == possible
