from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.graphs.relations import TypedEdges
from turret.graphs.ripples import Ripples, ripple_sets

N_USERS, N_ITEMS, N_ENTITIES = 5, 4, 9
Triple = tuple[int, int, int]


def drawn(choices: int, n: int, seed: int, hops: int, size: int) -> tuple[Ripples, list[set[int]], set[Triple]]:
    """The ripples, what each user chose, and the triples; item 0 is the head of none, users 0 is drawn for nothing."""
    generator = np.random.default_rng(seed)
    users, items = generator.integers(1, N_USERS, choices), generator.integers(0, N_ITEMS, choices)
    heads, relations, tails = generator.integers(1, N_ENTITIES, n), generator.integers(0, 2, n), generator.integers(0, N_ENTITIES, n)
    found = ripple_sets(
        TypedEdges(heads, relations, tails, N_ENTITIES, 2),
        torch.from_numpy(users),
        torch.from_numpy(items),
        N_USERS,
        hops,
        size,
        torch.Generator().manual_seed(seed),
    )
    chosen: list[set[int]] = [set() for _ in range(N_USERS)]
    for user, item in zip(users.tolist(), items.tolist(), strict=True):
        chosen[user].add(item)
    return found, chosen, set(zip(heads.tolist(), relations.tolist(), tails.tolist(), strict=True))


def hop_of(found: Ripples, user: int, hop: int) -> list[Triple]:
    return list(zip(*(part[user, hop].tolist() for part in (found.heads, found.relations, found.tails)), strict=True))


@given(choices=st.integers(0, 12), n=st.integers(0, 25), seed=st.integers(0, 2**16), hops=st.integers(1, 3), size=st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_each_hop_goes_on_from_the_tails_of_the_one_before(choices: int, n: int, seed: int, hops: int, size: int) -> None:
    found, chosen, triples = drawn(choices, n, seed, hops, size)
    assert found.heads.shape == (N_USERS, hops, size)
    for user in range(N_USERS):
        seeds = chosen[user]
        assert bool(found.mask[user]) == any(head in seeds for head, _, _ in triples)
        before: list[Triple] = []
        for hop in range(hops):
            ripple = hop_of(found, user, hop)
            if not found.mask[user]:
                assert ripple == [(0, 0, 0)] * size
                continue
            may = {triple for triple in triples if triple[0] in seeds}
            if may:
                assert set(ripple) <= may
                assert len(set(ripple)) == size or len(may) < size
            else:
                assert ripple == before
            before, seeds = ripple, {tail for _, _, tail in ripple}
    again, _, _ = drawn(choices, n, seed, hops, size)
    assert torch.equal(found.tails, again.tails) and torch.equal(found.heads, again.heads)


def test_all_triples_of_all_seeds_are_equally_likely() -> None:
    """Item 0 leads to one entity, item 1 to three: each of the four triples is drawn as often."""
    edges = TypedEdges(np.array([0, 1, 1, 1]), np.zeros(4, dtype=np.int64), np.array([2, 3, 4, 5]), 6, 1)
    n_users = 20_000
    users = torch.arange(n_users).repeat_interleave(2)
    found = ripple_sets(edges, users, torch.tensor([0, 1]).repeat(n_users), n_users, 1, 1, torch.Generator().manual_seed(0))
    shares = found.tails.flatten().bincount(minlength=6)[2:] / n_users
    assert (shares - 0.25).abs().max() < 0.015


def test_an_item_chosen_twice_is_one_seed() -> None:
    edges = TypedEdges(np.array([0, 1]), np.zeros(2, dtype=np.int64), np.array([2, 3]), 4, 1)
    found = ripple_sets(edges, torch.zeros(3, dtype=torch.int64), torch.tensor([0, 0, 1]), 1, 1, 2, torch.Generator().manual_seed(0))
    assert sorted(hop_of(found, 0, 0)) == [(0, 0, 2), (1, 0, 3)]
