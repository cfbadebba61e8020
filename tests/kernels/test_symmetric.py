from __future__ import annotations

import numpy as np
import pytest

from turret.kernels.symmetric import TILE, divided_by_diagonal


@pytest.mark.parametrize("n", [1, TILE - 1, TILE, 2 * TILE + 5])
@pytest.mark.parametrize("in_place", [True, False])
def test_columns_are_divided_by_the_diagonal(n: int, in_place: bool) -> None:
    half = np.tril(np.random.default_rng(0).random((n, n)).astype(np.float32)) + np.eye(n, dtype=np.float32)
    whole = half + np.tril(half, -1).T
    expected = -whole / np.diag(whole)
    np.fill_diagonal(expected, 0)
    matrix = half + np.triu(np.full((n, n), np.nan, dtype=np.float32), 1)  # what is there must not be read
    out = matrix if in_place else np.empty((n, n), dtype=np.float32)
    tiles = -(-n // TILE)
    for tile in reversed(range(tiles)):
        divided_by_diagonal(tile, tile + 1, matrix, np.diag(half).copy(), out)
    np.testing.assert_allclose(out, expected, rtol=1e-6)
