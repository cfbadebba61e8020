"""Against dense NumPy matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from turret.kernels.gram import BLOCK, DENSE, lower_triangle, neighbours, sums_of_rows


def sides(x: csr_array) -> tuple[np.ndarray, ...]:
    x.sort_indices()
    by_item = x.tocsc()
    return x.indptr, x.indices, by_item.indptr, by_item.indices


def binary(users: int, items: int, density: float, seed: int) -> csr_array:
    x = random_array((users, items), density=density, format="csr", rng=np.random.default_rng(seed))
    x.data[:] = 1
    return x


@pytest.mark.parametrize(("users", "items", "density"), [(30, 20, 0.3), (5, 40, 0.1), (10, 1, 0.5), (3, 4, 0.0)])
def test_lower_triangle(users: int, items: int, density: float) -> None:
    x = binary(users, items, density, seed=1)
    weight = np.random.default_rng(2).integers(1, 5, users).astype(np.float32)
    out = np.zeros((items, items), dtype=np.float32)
    lower_triangle(0, items, *sides(x), weight, out)
    assert np.array_equal(out, np.tril(x.toarray().T @ (weight[:, None] * x.toarray())))


def test_a_part_of_the_rows() -> None:
    x = binary(20, 12, 0.4, seed=3)
    out = np.zeros((12, 12), dtype=np.float32)
    lower_triangle(4, 9, *sides(x), np.ones(20, dtype=np.float32), out)
    expected = np.tril(x.toarray().T @ x.toarray())
    assert np.array_equal(out[4:9], expected[4:9])
    assert not out[:4].any() and not out[9:].any()


def by_brute_force(x: np.ndarray, weight: np.ndarray, k: int, jaccard: bool, shrinkage: float) -> tuple[np.ndarray, np.ndarray]:
    g = x.T @ (weight[:, None] * x)
    s = np.diag(g)
    with np.errstate(invalid="ignore", divide="ignore"):
        similar = g / (s[:, None] + s - g + shrinkage) if jaccard else g / (np.sqrt(s[:, None] * s) + shrinkage)
    similar = np.where(g > 0, similar, 0)
    np.fill_diagonal(similar, 0)
    # Equal similarities come out unequal in the last bits, differently here and there.
    order = np.argsort(-np.round(similar, 5), axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(similar, order, axis=1)


@pytest.mark.parametrize("jaccard", [False, True])
@pytest.mark.parametrize("shrinkage", [0.0, 2.5])
@pytest.mark.parametrize(
    ("users", "items", "density", "k"),
    [(60, 40, 0.3, 5), (25, 30, 0.2, 29), (200, 90, 0.3, 2), (8, 300, 0.004, 4), (50, 400, 0.02, 3), (6, 2, 0.5, 1), (5, 1, 1.0, 1)],
)
def test_neighbours(users: int, items: int, density: float, k: int, jaccard: bool, shrinkage: float) -> None:
    x = binary(users, items, density, seed=4)
    weight = np.random.default_rng(5).random(users).astype(np.float32)  # no ties but between items that share one user alone
    weight[0] = 0
    dense = x.toarray()
    diagonal = (weight @ dense).astype(np.float32)
    ids, similarity = np.full((items, k), -1, dtype=np.int32), np.full((items, k), -1, dtype=np.float32)
    size = diagonal if jaccard else np.sqrt(diagonal)
    neighbours(0, items, *sides(x), weight, size, jaccard, np.float32(shrinkage), ids, similarity)
    expected_ids, expected = by_brute_force(dense, weight.astype(np.float64), k, jaccard, shrinkage)
    np.testing.assert_allclose(similarity, expected, atol=2e-5)
    clear = np.ones((items, k), dtype=bool)  # where the next similarity is another, so that only one order is right
    all_sorted = by_brute_force(dense, weight.astype(np.float64), items, jaccard, shrinkage)[1]
    gaps = all_sorted[:, :-1] - all_sorted[:, 1:] > 2e-5
    clear[:, : gaps.shape[1]] = gaps[:, :k]
    clear[:, 1:] &= gaps[:, : k - 1]
    clear &= expected > 0
    assert np.array_equal(ids[clear], expected_ids[clear])


def test_both_ways_to_go_through_a_row_are_taken_above() -> None:
    pairs = [
        int((binary(users, items, density, seed=4).sum(axis=1) ** 2).sum() / items)
        for users, items, density in [(60, 40, 0.3), (8, 300, 0.004)]
    ]
    assert DENSE * pairs[0] > 40 > BLOCK
    assert DENSE * pairs[1] < 300


def test_of_equals_the_lower_id_is_nearer() -> None:
    """All users chose all items."""
    x = binary(4, 50, 1.0, seed=0)
    ids, similarity = np.zeros((50, 3), dtype=np.int32), np.zeros((50, 3), dtype=np.float32)
    neighbours(0, 50, *sides(x), np.ones(4, dtype=np.float32), np.full(50, 2, dtype=np.float32), False, np.float32(0), ids, similarity)
    assert np.array_equal(similarity, np.ones((50, 3)))
    assert ids[[0, 1, 2, 3, 49]].tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2]]


def test_sums_of_rows() -> None:
    x, w = binary(7, 9, 0.4, seed=6), random_array((9, 9), density=0.5, format="csr", rng=np.random.default_rng(7), dtype=np.float32)
    out = np.zeros((7, 9), dtype=np.float32)
    sums_of_rows(0, 7, x.indptr, x.indices, w.indptr.astype(np.int64), w.indices, w.data, out)
    np.testing.assert_allclose(out, (x @ w).toarray(), rtol=1e-5)
