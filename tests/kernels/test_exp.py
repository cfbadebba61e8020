"""The exponential that can be vectorised, against NumPy's in double precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit

from turret.kernels.exp import HIGHEST, LOWEST, exp, tanh

FLAGS = [{"contract"}, {"contract", "reassoc", "nsz"}]
"""Of loops that keep the order of their operations, and of those that need not."""


def of(x: np.ndarray, flags: set[str] = FLAGS[1]) -> np.ndarray:
    @njit(fastmath=flags)
    def in_a_loop(x: np.ndarray, out: np.ndarray) -> None:
        for n in range(len(x)):
            out[n] = exp(x[n])

    out = np.empty_like(x)
    in_a_loop(x, out)
    return out


def units(x: np.ndarray, flags: set[str]) -> np.ndarray:
    """The error in units of the last place."""
    exact = np.exp(x.astype(np.float64))
    return np.abs(of(x, flags) - exact) / np.spacing(exact.astype(np.float32))


@pytest.mark.parametrize("flags", FLAGS, ids=["in order", "reordered"])
def test_accuracy(flags: set[str]) -> None:
    draw = np.random.default_rng(0)
    near = np.concatenate([np.linspace(-12, 12, 300_001), draw.normal(size=100_000), draw.normal(scale=1e-4, size=100_000)])
    assert units(near.astype(np.float32), flags).max() <= 2
    far = np.linspace(LOWEST, HIGHEST, 500_001).astype(np.float32)
    assert units(far, flags).max() <= (2 if "reassoc" not in flags else 5)


@pytest.mark.parametrize("flags", FLAGS, ids=["in order", "reordered"])
def test_where_the_power_of_two_changes(flags: set[str]) -> None:
    middles = ((np.arange(-124, 126) + 0.5) * math.log(2)).astype(np.float32)
    x = np.concatenate([np.nextafter(middles, np.float32(way)) for way in (-200, 200)])
    assert units(x, flags).max() <= (2 if "reassoc" not in flags else 5)


def test_outside_its_range_it_stays_at_the_ends() -> None:
    x = np.array([-np.inf, -1e30, -1000, LOWEST, HIGHEST, 1000, 1e30, np.inf], dtype=np.float32)
    found = of(x)
    assert np.isfinite(found).all() and (found[:4] == found[3]).all() and (found[4:] == found[4]).all()
    assert found[3] == pytest.approx(math.exp(-87), rel=1e-6) and found[4] == pytest.approx(math.exp(88), rel=1e-6)


def test_zero_and_what_is_no_number() -> None:
    assert of(np.array([0, -0.0], dtype=np.float32)).tolist() == [1, 1]
    assert np.isnan(of(np.array([np.nan, 1, np.nan], dtype=np.float32))).tolist() == [True, False, True]


def test_tanh_is_exact_where_it_saturates() -> None:
    x = np.concatenate([np.linspace(-12, 12, 20_001), np.logspace(-30, 2, 200)]).astype(np.float32)
    found, exact = np.array([tanh(value) for value in x]), np.tanh(x.astype(np.float64))
    assert abs(found - exact).max() < 1.3e-7
    small = abs(x) < 0.6
    np.testing.assert_allclose(found[small], exact[small], rtol=3e-7)
    far = abs(x) > 4
    assert np.array_equal(found[far], exact[far].astype(np.float32))
