"""Paths against a loop over every way through a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.contracts import Path
from turret.graphs.paths import Hop, gathered, strongest

N_NODES = 6
Edge = tuple[int, int, int, float]


def every_path(begun: Path, hops: Sequence[Sequence[Edge]], target: int) -> Iterator[Path]:
    """All ways on from where a path stands."""
    if begun.entities[-1] == target:
        yield begun
    elif len(begun.relations) < len(hops):
        for head, relation, tail, weight in hops[len(begun.relations)]:
            if head == begun.entities[-1] and tail not in begun.entities:
                yield from every_path(Path((*begun.entities, tail), (*begun.relations, relation), begun.weight * weight), hops, target)


@given(seed=st.integers(0, 2**16), steps=st.integers(0, 4), n=st.integers(0, 24), count=st.integers(1, 5))
@settings(deadline=None, max_examples=150)
def test_the_strongest_paths_are_those_of_a_loop_over_all(seed: int, steps: int, n: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    given_hops, lists = [], []
    for _ in range(steps):
        ends = generator.integers(0, N_NODES, (2, n))
        found = gathered(ends[0], generator.integers(0, 2, n), ends[1], generator.random(n) * (generator.random(n) < 0.8))
        given_hops.append(found)
        lists.append(list(zip(*(part.tolist() for part in (found.heads, found.relations, found.tails, found.weights)), strict=True)))
    starts, weights = np.array([0, 2, 3]), generator.random(3)
    expected = [
        path
        for start, weight in zip(starts.tolist(), weights.tolist(), strict=True)
        if start != 3
        for path in every_path(Path((start,), (), weight), lists, 3)
        if path.weight > 0
    ]
    expected.sort(key=lambda path: -path.weight)
    found_paths = strongest(starts, weights, given_hops, 3, N_NODES, count)
    assert [(path.entities, path.relations) for path in found_paths] == [(path.entities, path.relations) for path in expected[:count]]
    assert [path.weight for path in found_paths] == pytest.approx([path.weight for path in expected[:count]])


def test_of_paths_of_equal_weight_those_of_smaller_ids_come_first() -> None:
    step = gathered(np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 0, 0]), np.array([2, 1, 1, 3, 3]), np.ones(5))
    found = strongest(np.array([0]), np.ones(1), [step, step], 3, 4, 10)
    assert [(path.entities, path.relations) for path in found] == [((0, 1, 3), (0, 0)), ((0, 1, 3), (1, 0)), ((0, 2, 3), (0, 0))]


def test_an_edge_given_twice_has_the_sum_of_its_weights() -> None:
    found = gathered(np.array([3, 1, 3, 1]), np.array([0, 1, 0, 0]), np.array([2, 2, 2, 2]), np.array([0.25, 0.5, 0.125, 1.0]))
    assert isinstance(found, Hop)
    assert [part.tolist() for part in (found.heads, found.relations, found.tails)] == [[1, 1, 3], [0, 1, 0], [2, 2, 2]]
    assert found.weights.tolist() == [1.0, 0.5, 0.375]
