"""Sparse rows from padded lists, against Python's own lists and SciPy's transpose."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from turret.kernels import bags

LISTS = st.lists(st.lists(st.integers(0, 5), max_size=7), min_size=1, max_size=6)


def padded(lists: list[list[int]], filler: int) -> tuple[np.ndarray, np.ndarray]:
    width = max(1, *(len(each) for each in lists))
    rows = np.array([each + [filler] * (width - len(each)) for each in lists], dtype=np.int64)
    return rows, np.arange(width) < np.array([[len(each)] for each in lists])


@settings(max_examples=80, deadline=None)
@given(LISTS, st.integers(-3, 8))
def test_each_list_has_everything_once_in_its_order(lists: list[list[int]], filler: int) -> None:
    offsets, found = bags.distinct(*padded(lists, filler), 6)
    assert [found[a:b].tolist() for a, b in itertools.pairwise(offsets.tolist())] == [list(dict.fromkeys(each)) for each in lists]


@pytest.mark.parametrize("wrong", [-1, 6])
def test_an_id_out_of_range_is_refused(wrong: int) -> None:
    with pytest.raises(IndexError):
        bags.distinct(*padded([[1, 2], [wrong]], 0), 6)


@settings(max_examples=80, deadline=None)
@given(LISTS, st.integers(0, 2**31), st.sampled_from([np.float32, np.float64]))
def test_by_column_is_the_transpose(lists: list[list[int]], seed: int, kind: type) -> None:
    offsets, found = bags.distinct(*padded(lists, 0), 6)
    values = np.random.default_rng(seed).random(len(found)).astype(kind)
    expected = csr_array((values, found, offsets), shape=(len(lists), 6)).T.tocsr()
    expected.sort_indices()
    for got, other in zip(bags.transposed(offsets, found, values, 6), (expected.indptr, expected.indices, expected.data), strict=True):
        np.testing.assert_array_equal(got, other)
