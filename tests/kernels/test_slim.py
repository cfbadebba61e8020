"""Against dense NumPy matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from turret.kernels.slim import gram_rows, gram_sizes, sweep


def binary(users: int, items: int, density: float, seed: int) -> csr_array:
    x = random_array((users, items), density=density, format="csr", rng=np.random.default_rng(seed))
    x.data[:] = 1
    return x


def gram(x: csr_array, bounds: list[int]) -> csr_array:
    """G, its rows found piece by piece."""
    by_item, n_items = x.tocsc(), x.shape[1]
    sides = (x.indptr, x.indices, by_item.indptr, by_item.indices)
    size = np.full(n_items, -1, dtype=np.int64)
    pieces = list(zip([0, *bounds], [*bounds, n_items], strict=True))
    for first, last in pieces:
        gram_sizes(first, last, *sides, size)
    offsets = np.concatenate([[0], np.cumsum(size)])
    items, together = np.full(offsets[-1], -1, dtype=np.int32), np.full(offsets[-1], -1, dtype=np.float32)
    for first, last in reversed(pieces):
        gram_rows(first, last, *sides, offsets, items, together)
    return csr_array((together, items, offsets), shape=(n_items, n_items))


@pytest.mark.parametrize(("users", "items", "density"), [(30, 20, 0.3), (5, 40, 0.1), (10, 1, 0.5), (3, 4, 0.0)])
def test_gram_is_the_dense_product_and_has_no_zeros(users: int, items: int, density: float) -> None:
    x = binary(users, items, density, seed=1)
    found = gram(x, [items // 2])
    assert np.array_equal(found.toarray(), x.toarray().T @ x.toarray())
    assert found.nnz == np.count_nonzero(found.toarray())


def swept(change: np.ndarray, w: csr_array, first: int = 0, last: int = 12) -> np.ndarray:
    """One sweep over 12 items that all are candidates of each other, from W, with lasso 0.5, ridge 2 and tolerance 1e-6: the new W."""
    x = binary(40, 12, 0.4, seed=3)
    g = gram(x, [])
    ids = np.array([[i for i in range(12) if i != j] for j in range(12)], dtype=np.int32)
    weights = np.full(ids.shape, -1, dtype=np.float32)
    by_column = w.tocsc()
    known = (by_column.indptr, by_column.indices, by_column.data)
    counts = g.diagonal().astype(np.float32)
    near = np.ones(ids.shape, dtype=np.float32)
    sweep(first, last, g.indptr, g.indices, g.data, counts, ids, near, *known, 0.5, 2.0, 1e-6, change, weights)
    dense = np.full((12, 12), np.nan)
    for j in range(12):
        dense[ids[j], j] = weights[j]
    np.fill_diagonal(dense, 0)
    return dense


def test_a_sweep_from_the_solution_stays_there_and_says_so() -> None:
    change, w = np.full(12, np.inf), csr_array((12, 12), dtype=np.float32)
    for _ in range(20):
        w = csr_array(swept(change, w).astype(np.float32))
    assert (change < 1e-6).all() and w.nnz > 12
    again = np.full(12, np.inf)
    np.testing.assert_allclose(swept(again, w), w.toarray(), atol=1e-6)
    assert again.max() < 2e-6


def test_settled_columns_and_those_outside_the_range_are_left_alone() -> None:
    before = csr_array(np.diag(np.full(11, 0.25, dtype=np.float32), k=1))
    change = np.full(12, np.inf)
    change[[3, 4]] = 0.0
    after = swept(change, before, 2, 8)
    assert np.array_equal(after[:, [3, 4]], before.toarray()[:, [3, 4]])
    assert (change[[2, 5, 6, 7]] < np.inf).all() and (change[[0, 1, 8, 9, 10, 11]] == np.inf).all()
    outside = after[:, [0, 1, 8, 9, 10, 11]]
    assert np.isin(outside, [-1, 0]).all()
    assert not np.array_equal(after[:, 2], before.toarray()[:, 2])
