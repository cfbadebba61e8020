"""Products of small matrices against NumPy's in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from turret.kernels.gemm import LANES, multiply, width


@pytest.mark.parametrize("shape", [(1, 1, 1), (12, 16, 300), (13, 1, 256), (37, 50, 257), (5, 33, 0), (100, 32, 600)])
@pytest.mark.parametrize("turned", [False, True])
def test_products(shape: tuple[int, int, int], turned: bool) -> None:
    m, n, k = shape
    draw = np.random.default_rng(1)
    a = draw.standard_normal((k, m) if turned else (m, k)).astype(np.float32)
    a = a.T if turned else a
    b, c = draw.standard_normal((k, width(n))).astype(np.float32), np.full((m, width(n)), np.nan, np.float32)
    assert width(n) % LANES == 0
    multiply(a, b, c)
    np.testing.assert_allclose(c, a.astype(np.float64) @ b, atol=2e-4, rtol=1e-4)
