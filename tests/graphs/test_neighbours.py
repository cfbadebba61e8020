from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.graphs.neighbours import neighbours, some_of
from turret.graphs.relations import TypedEdges


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(counts=st.lists(st.integers(0, 9), min_size=1, max_size=8), size=st.integers(1, 6), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=60)
def test_numbers_are_below_their_count_and_different_where_there_are_enough(counts: list[int], size: int, seed: int) -> None:
    drawn = some_of(torch.tensor(counts), size, seeded(seed))
    assert drawn.shape == (len(counts), size)
    assert torch.equal(drawn, some_of(torch.tensor(counts), size, seeded(seed)))
    for row, count in zip(drawn.tolist(), counts, strict=True):
        assert all(0 <= number < max(count, 1) for number in row)
        assert len(set(row)) == size or count < size


def test_every_subset_is_equally_likely() -> None:
    draws = 60_000
    found = Counter(tuple(sorted(row)) for row in some_of(torch.full((draws,), 5), 3, seeded(0)).tolist())
    assert set(found) == set(combinations(range(5), 3))
    chi_square = sum((count - draws / 10) ** 2 / (draws / 10) for count in found.values())
    assert chi_square < 27.9  # 9 degrees of freedom, one time in a thousand


def test_with_replacement_every_number_is_equally_likely_in_every_place() -> None:
    drawn = some_of(torch.full((30_000,), 3), 4, seeded(0))
    for place in drawn.T:
        assert np.abs(place.bincount(minlength=3).numpy() / 30_000 - 1 / 3).max() < 0.015


def test_neighbours_are_edges_of_the_node_and_a_lonely_one_is_its_own() -> None:
    generator = np.random.default_rng(0)
    heads, relations, tails = generator.integers(0, 6, 40), generator.integers(0, 3, 40), generator.integers(0, 8, 40)
    edges = TypedEdges(heads, relations, tails, 8, 3)
    there = set(zip(heads.tolist(), relations.tolist(), tails.tolist(), strict=True))
    nodes = torch.tensor([7, 0, 3, 3, 5])
    found = neighbours(edges, nodes, 4, seeded(1))
    assert found.mask.tolist() == [False, True, True, True, True]
    assert (found.tails[0] == 7).all() and (found.relations[0] == 0).all()
    for row in range(1, 5):
        drawn = list(zip([int(nodes[row])] * 4, found.relations[row].tolist(), found.tails[row].tolist(), strict=True))
        assert set(drawn) <= there
        degree = int(edges.offsets[nodes[row] + 1] - edges.offsets[nodes[row]])
        assert len(set(drawn)) == 4 or degree < 4
    again = neighbours(edges, nodes, 4, seeded(1))
    assert torch.equal(found.tails, again.tails) and torch.equal(found.relations, again.relations)


def test_a_graph_without_edges_gives_every_node_itself() -> None:
    empty = np.zeros(0, dtype=np.int64)
    found = neighbours(TypedEdges(empty, empty, empty, 3, 1), torch.tensor([2, 0]), 2, seeded(0))
    assert found.tails.tolist() == [[2, 2], [0, 0]]
    assert not found.mask.any()
