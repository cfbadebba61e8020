"""Against Python's sets, on the way of the CPU and on that of other devices."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from turret.core.interactions import Interactions
from turret.sampling.seen import Seen

Took = Callable[[dict[int, list[int]], int], Interactions]
ITEMS = 30


@pytest.fixture
def pairs() -> dict[int, list[int]]:
    draw = np.random.default_rng(0)
    some = {user: draw.integers(0, ITEMS, size).tolist() for user, size in enumerate(draw.integers(0, 60, 20))}
    return {
        **some,
        3: [],
        4: [0],
        5: [ITEMS - 1],
        6: list(range(ITEMS)),
        7: list(range(ITEMS - 1)),
        8: list(range(1, ITEMS)),
        19: [1, 1, 2],
    }


def counted(pairs: dict[int, list[int]], user: int) -> set[int]:
    return set(pairs[user]) if len(set(pairs[user])) < ITEMS else set()


def test_contains(took: Took, pairs: dict[int, list[int]]) -> None:
    seen, users = Seen(took(pairs, ITEMS)), torch.arange(20).repeat(3)
    items = torch.randint(ITEMS, (60, 500), generator=torch.Generator().manual_seed(0))
    expected = [[item in counted(pairs, user) for item in row] for user, row in zip(users.tolist(), items.tolist(), strict=True)]
    assert seen.contains(users, items).tolist() == expected
    assert seen.contains_by_search(users, items).tolist() == expected
    assert seen.contains(users, items[:, :1]).tolist() == [row[:1] for row in expected], "few items for each user are searched for at once"


@pytest.mark.parametrize("items", [list(range(ITEMS)), [5, 5, 29, 0, 5], [7], []])
def test_among(took: Took, pairs: dict[int, list[int]], items: list[int]) -> None:
    seen, users, shared = Seen(took(pairs, ITEMS)), torch.arange(20), torch.tensor(items, dtype=torch.int64)
    expected = [[item in counted(pairs, user) for item in items] for user in range(20)]
    assert seen.among(users, shared).tolist() == expected
    if items:
        assert seen.among_by_search(users, shared).tolist() == expected


def test_padded(took: Took, pairs: dict[int, list[int]]) -> None:
    items, mask = Seen(took(pairs, ITEMS)).padded(torch.arange(20))
    assert [row[kept].tolist() for row, kept in zip(items, mask, strict=True)] == [sorted(counted(pairs, user)) for user in range(20)]
    assert not items[~mask].any() and items.shape[1] == ITEMS - 1


def test_draws_by_rank(took: Took, pairs: dict[int, list[int]]) -> None:
    seen, users = Seen(took(pairs, ITEMS)), torch.arange(20)
    uniform = torch.arange(1000, dtype=torch.float64).div(1000).expand(20, 1000).contiguous()
    (items, log_q), (theirs, their_log_q) = seen.draw(users, uniform), seen.draw_by_search(users, uniform)
    assert torch.equal(items, theirs)
    torch.testing.assert_close(log_q, their_log_q)
    for user in range(20):
        expected = sorted(set(range(ITEMS)) - counted(pairs, user))
        assert items[user].unique_consecutive().tolist() == expected
        assert log_q[user].item() == pytest.approx(-math.log(len(expected)))


def test_nobody_took_anything() -> None:
    nothing = np.zeros(0, dtype=np.int32)
    seen, users, items = Seen(Interactions(nothing, nothing, 2, 3)), torch.tensor([0, 1, 1]), torch.tensor([[0, 1], [2, 2], [1, 0]])
    assert not seen.exhausted
    assert not (seen.contains(users, items).any() or seen.contains_by_search(users, items).any())
    assert not (seen.among(users, items[0]).any() or seen.among_by_search(users, items[0]).any())
    assert seen.padded(users)[0].shape == (3, 0)


@pytest.mark.parametrize(("items", "exhausted"), [([0, 1, 1], False), ([2, 0, 1, 1], True)])
def test_who_took_everything_is_known(took: Took, items: list[int], exhausted: bool) -> None:
    assert Seen(took({0: items, 1: [0]}, 3)).exhausted == exhausted


def test_items_in_their_thousands_whatever_the_number_of_threads() -> None:
    draw, many = np.random.default_rng(1), 200_000
    user, item = np.sort(draw.integers(0, 3000, 60_000)).astype(np.int32), draw.integers(0, many, 60_000).astype(np.int32)
    item[::2] %= 500
    seen, users = Seen(Interactions(user, item, 3000, many)), torch.arange(3000)
    uniform = torch.rand(3000, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) ** 4
    before, found = torch.get_num_threads(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        items = (uniform * many).long()
        found.append((seen.contains(users, items), seen.among(users, items[0]), *seen.draw(users, uniform)))
    torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    assert torch.equal(found[0][0], seen.contains_by_search(users, items)) and found[0][0].any()
    assert torch.equal(found[0][1], seen.among_by_search(users, items[0])) and found[0][1].any()
