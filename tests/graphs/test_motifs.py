"""Motif adjacency against counting: every three users, and every two with an item, are looked at one by one."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from turret.graphs.motifs import motif_adjacency, row_normalised

Follows = set[tuple[int, int]]


def is_triangle(follows: Follows, three: tuple[int, int, int]) -> bool:
    """Whether each two of them know each other: all of these are one of the motifs M1 to M7."""
    return all((a, b) in follows or (b, a) in follows for a, b in combinations(three, 2))


def motif_of(follows: Follows, three: tuple[int, int, int]) -> str:
    """The motif's name in figure 3 of the paper, from how many follows are returned and how the others point."""
    returned = {frozenset(pair) for pair in permutations(three, 2) if pair in follows and pair[::-1] in follows}
    single = [pair for pair in permutations(three, 2) if pair in follows and pair[::-1] not in follows]
    if len(returned) == 3:
        return "M4"
    if len(returned) == 2:
        return "M3"
    if len(returned) == 0:
        return "M1" if len({a for a, _ in single}) == 3 else "M5"
    followers, followed = {a for a, _ in single}, {b for _, b in single}
    if len(followers) == 1:
        return "M6"
    return "M7" if len(followed) == 1 else "M2"


@given(n=st.integers(0, 30), choices=st.integers(0, 15), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=60)
def test_adjacency_counts_the_motifs_that_two_users_share(n: int, choices: int, seed: int) -> None:
    n_users, n_items = 6, 4
    generator = np.random.default_rng(seed)
    followers, followed = generator.integers(0, n_users, n), generator.integers(0, n_users, n)
    users, items = generator.integers(0, n_users, choices), generator.integers(0, n_items, choices)
    follows = {(a, b) for a, b in zip(followers.tolist(), followed.tolist(), strict=True) if a != b}
    taken = set(zip(users.tolist(), items.tolist(), strict=True))
    social, joint, purchase = (np.zeros((n_users, n_users)) for _ in range(3))
    for three in combinations(range(n_users), 3):
        if is_triangle(follows, three):
            for a, b in permutations(three, 2):
                social[a, b] += 1
    for a in range(n_users):
        for b in range(n_users):
            common = sum((a, item) in taken and (b, item) in taken for item in range(n_items))
            (joint if (a, b) in follows or (b, a) in follows else purchase)[a, b] = common
    found = motif_adjacency(followers, followed, users, items, n_users, n_items)
    np.testing.assert_array_equal(found.social.toarray(), social)
    np.testing.assert_array_equal(found.joint.toarray(), joint)
    np.testing.assert_array_equal(found.purchase.toarray(), purchase)


def test_every_kind_of_triangle_occurs_in_what_is_tried() -> None:
    """The test above has something to say of each of the seven."""
    kinds = set()
    for seed in range(60):
        generator = np.random.default_rng(seed)
        follows = {(int(a), int(b)) for a, b in generator.integers(0, 6, (18, 2)) if a != b}
        kinds |= {motif_of(follows, three) for three in combinations(range(6), 3) if is_triangle(follows, three)}
    assert kinds == {f"M{number}" for number in range(1, 8)}


def test_rows_are_brought_to_sum_1() -> None:
    matrix = np.array([[0, 3.0, 1.0], [0, 0, 0], [2.0, 0, 0]])
    expected = torch.tensor([[0, 0.75, 0.25], [0, 0, 0], [1.0, 0, 0]])
    torch.testing.assert_close(row_normalised(csr_array(matrix))(torch.eye(3)), expected)
