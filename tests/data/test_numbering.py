"""Hashes against the published values, buckets against their rules in plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turret.data.numbering import Edges, Hashing
from turret.data.vocabulary import Vocabulary

WHOLE = st.lists(st.integers(-20, 100_000), min_size=1, max_size=60)


def test_the_hash_is_fnv_1a() -> None:
    # Published 64-bit values of "", "a" and "foobar".
    published = {"": 0xCBF29CE484222325, "a": 0xAF63DC4C8601EC8C, "foobar": 0x85944171F73967E8}
    for size in (1, 7, 1000, 2**31 - 2):
        assert Hashing(size).encode(Vocabulary.of(published)).tolist() == [value % size + 1 for value in published.values()]


def test_hashes_spread_evenly() -> None:
    ids = Hashing(100).encode(Vocabulary.of(f"{index:08x}" for index in range(50_000)))
    counts = np.bincount(ids, minlength=101)
    assert counts[0] == 0 and len(counts) == 101 and np.abs(counts[1:] - 500).max() < 120


def category(x: float) -> str:
    """The winners' rule, in their words."""
    return f"squared {math.floor(math.log(x) ** 2)}" if x > 2 else f"itself {x:g}"


@given(WHOLE)
def test_log_square_keeps_the_categories_of_training_apart_and_in_order(values: list[int]) -> None:
    edges = Edges.fit("log_square", np.array(values, dtype=np.float32))
    ids = edges.encode(np.array(sorted(values), dtype=np.float32)).tolist()
    names = [category(value) for value in sorted(values)]
    assert len({*zip(ids, names, strict=True)}) == len(set(ids)) == len(set(names)) == len(edges)
    assert ids == sorted(ids) and ids[0] == 1


def test_log_square_by_hand() -> None:
    edges = Edges.fit("log_square", np.array([0, 1, 2, 3, 5, 100], dtype=np.float32))
    # ln(3)^2 = 1.2, ln(5)^2 = 2.6, ln(100)^2 = 21.2; 4 (1.9) shares a category with 3, 50 (15.3) falls into that of 5, -4 into the first.
    assert edges.encode(np.array([0, 1, 2, 3, 4, 5, 50, 100, 1e9, -4, np.nan])).tolist() == [1, 2, 3, 4, 4, 5, 5, 6, 6, 1, 0]


@given(st.lists(st.floats(-50, 50, width=32) | st.just(math.nan), min_size=1, max_size=50), st.integers(2, 8), st.randoms())
def test_quantiles_begin_at_each_kth_part_of_the_rows(values: list[float], n: int, random: object) -> None:
    times = [random.randint(0, 3) for _ in values]  # type: ignore[attr-defined]
    for repeats in (None, np.array(times)):
        counts = [1] * len(values) if repeats is None else times
        rows = sorted(x for x, count in zip(values, counts, strict=True) for _ in range(count) if not math.isnan(x))
        expected = sorted({rows[k * len(rows) // n] for k in range(1, n)} - {rows[0]}) if rows else []
        edges = Edges.fit(n, np.array(values, dtype=np.float32), repeats)
        assert [x + 0.0 for x in edges.boundaries.tolist()] == [x + 0.0 for x in expected]


def test_a_boundary_belongs_to_the_bucket_above() -> None:
    edges = Edges.fit((0.1, 0.7, 3.0), np.empty(0, dtype=np.float32))
    assert len(edges) == 4
    assert edges.encode(np.array([0, 0.1, 0.5, 0.7, 2.9, 3, 99, np.nan], dtype=np.float32)).tolist() == [1, 2, 2, 3, 3, 4, 4, 0]


@pytest.mark.parametrize("rule", [5, "log_square"])
def test_of_nothing_there_is_one_bucket(rule: int) -> None:
    edges = Edges.fit(rule, np.array([np.nan], dtype=np.float32))
    assert len(edges) == 1 and edges.encode(np.array([1.0, np.nan])).tolist() == [1, 0]
