"""exp and tanh of float32 numbers that the compiler can turn into vector instructions; calls to the mathematical library it cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LOG2E = np.float32(1.44269504)
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
LOWEST, HIGHEST = np.float32(-87.0), np.float32(88.0)
C2, C3, C4, C5, C6, C7 = (np.float32(1 / factorial) for factorial in (2, 6, 24, 120, 720, 5040))
T0, T1, T2 = np.float32(-5.70498872745e-3), np.float32(2.06390887954e-2), np.float32(-5.37397155531e-2)
T3, T4, EDGE = np.float32(1.33314422036e-1), np.float32(-3.33332819422e-1), np.float32(0.625)
ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)
BIAS, MANTISSA = np.int32(127), np.int32(23)


@intrinsic
def _as_float(context: Any, bits: Any) -> Any:
    """The float32 with these 32 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@njit(inline="always")
def exp(x: np.float32) -> np.float32:
    """e to the power x, to 2 units in the last place; x is taken between -87 and 88. NaN stays NaN.

    x = n ln 2 + r with |r| <= ln 2 / 2 (ln 2 in two parts, so that r is exact), e^r by its Taylor series, 2^n by writing the exponent. In a
    loop whose sums may be reordered (`reassoc`) the two parts become one, and far from 0 the result is good to 5 units.
    """
    x = LOWEST if x < LOWEST else x
    x = HIGHEST if x > HIGHEST else x
    n = np.rint(x * LOG2E)
    r = x - n * LN2_HIGH
    r = r - n * LN2_LOW
    series = C6 + r * C7
    series = C5 + r * series
    series = C4 + r * series
    series = C3 + r * series
    series = C2 + r * series
    series = ONE + r * (ONE + r * series)
    power: np.float32 = _as_float((np.int32(n) + BIAS) << MANTISSA)  # type: ignore[call-arg]
    return series * power


@njit(inline="always")
def tanh(x: np.float32) -> np.float32:
    """The hyperbolic tangent, to 2 units in the last place, and to half a unit where it is near 1, since 1 - tanh^2 lives on that.

    Near 0 an odd polynomial (S. L. Moshier's for single precision), else 1 - 2 t / (1 + t) with t = e^-2|x|.
    """
    size = -x if x < ZERO else x
    square = x * x
    series = T2 + square * (T1 + square * T0)
    series = x + x * square * (T4 + square * (T3 + square * series))
    t = exp(-TWO * size)
    far = ONE - TWO * t / (ONE + t)
    far = -far if x < ZERO else far
    found: np.float32 = series if size < EDGE else far
    return found
