"""Products of small float32 matrices, inside other compiled loops.

A call to a library costs more than many of these products, and the libraries at hand leave half of the vector unit of some processors
unused. Here a tile of the result stays in registers while the inner dimension runs. It is written in the compiler's own vectors, since
loops that it would have to vectorise itself do not keep the tile there.

    C[m, n] = sum over k of A[m, k] B[k, n]

A may be laid out in any way. The rows of B and C must be contiguous and padded to a multiple of `LANES` numbers: whatever stands in the
padding of B goes into that of C.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from turret.kernels.apart import apart

Array = npt.NDArray[Any]


def _widest() -> int:
    """float32 numbers in a vector register that the processor also computes with at once. Intel's lower their clock for the widest."""
    features = binding.get_host_cpu_features()
    if features.get("avx512f", False) and binding.get_host_cpu_name().startswith("znver"):
        return 16
    return 8 if features.get("avx2", False) else 4


LANES = _widest()
TILE = 12 if LANES == 16 else 4
"""Rows of a tile, which is two vectors wide: 24 of 32 registers, or 8 of 16."""
DEPTH = 256
"""Of the inner dimension at a time, so that what is read again is still in the cache."""


@njit(cache=True, nogil=True)
def width(n: int) -> int:
    """`n` numbers, padded."""
    return (n + LANES - 1) // LANES * LANES


def _tile(rows: int, vectors: int) -> Callable[..., None]:
    """Code for a tile of `rows` times `vectors` registers: C = or += A B, for addresses of the tile's corners."""

    @intrinsic
    def tile(context: Any, a: Any, a_row: Any, a_step: Any, b: Any, b_step: Any, c: Any, c_row: Any, depth: Any, add: Any) -> Any:
        """a + 4 (r a_row + k a_step), b + 4 k b_step, c + 4 r c_row are where row r and step k begin."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, a_row, a_step, b, b_step, c, c_row, depth, add = arguments
            number, word = ir.FloatType(), ir.IntType(64)
            vector = ir.VectorType(number, LANES)

            def at(base: Any, offset: Any, kind: Any) -> Any:
                return builder.inttoptr(builder.add(base, builder.shl(offset, word(2))), kind.as_pointer())

            def place(r: int, v: int) -> Any:
                return at(c, builder.add(builder.mul(word(r), c_row), word(v * LANES)), vector)

            tools: Any = cgutils
            sums = [[tools.alloca_once(builder, vector) for _ in range(vectors)] for _ in range(rows)]
            zero = ir.Constant(vector, [0.0] * LANES)
            fused = tools.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{LANES}f32")
            with builder.if_else(builder.icmp_signed("!=", add, word(0))) as (more, fresh):
                with more:
                    for r in range(rows):
                        for v in range(vectors):
                            builder.store(builder.load(place(r, v), align=4), sums[r][v])
                with fresh:
                    for r in range(rows):
                        for v in range(vectors):
                            builder.store(zero, sums[r][v])
            with cgutils.for_range(builder, depth) as loop:
                row = builder.mul(loop.index, b_step)
                right = [builder.load(at(b, builder.add(row, word(v * LANES)), vector), align=4) for v in range(vectors)]
                step = builder.mul(loop.index, a_step)
                for r in range(rows):
                    left = builder.load(at(a, builder.add(step, builder.mul(word(r), a_row)), number), align=4)
                    first = builder.insert_element(ir.Constant(vector, ir.Undefined), left, ir.IntType(32)(0))
                    spread = builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))
                    for v in range(vectors):
                        builder.store(builder.call(fused, [spread, right[v], builder.load(sums[r][v])]), sums[r][v])
            for r in range(rows):
                for v in range(vectors):
                    builder.store(builder.load(sums[r][v]), place(r, v), align=4)
            return context.get_dummy_value()

        return types.void(*([types.int64] * 9)), generate

    return tile


_tall_wide, _tall_narrow = _tile(TILE, 2), _tile(TILE, 1)
_low_wide, _low_narrow = _tile(1, 2), _tile(1, 1)


@njit(cache=True, nogil=True, forceinline=False)
def gemm(a: int, a_row: int, a_step: int, b: int, b_step: int, c: int, c_row: int, m: int, n: int, k: int) -> None:
    """C = A B.

    Args:
        a, b, c: addresses of the first numbers.
        a_row, a_step: numbers from one row of A to the next, and from one column to the next.
        b_step, c_row: numbers from one row of B, of C, to the next.
        m, n, k: rows of A and C; columns of B and C; columns of A and rows of B.
    """
    apart()
    vectors = width(n) // LANES
    for k0 in range(0, max(k, 1), DEPTH):
        depth, add = min(DEPTH, k - k0), min(k0, 1)
        for v in range(0, vectors, 2):
            right = b + 4 * (k0 * b_step + v * LANES)
            r = 0
            while r < m:
                left, out = a + 4 * (r * a_row + k0 * a_step), c + 4 * (r * c_row + v * LANES)
                if r + TILE <= m:
                    if v + 2 <= vectors:
                        _tall_wide(left, a_row, a_step, right, b_step, out, c_row, depth, add)
                    else:
                        _tall_narrow(left, a_row, a_step, right, b_step, out, c_row, depth, add)
                    r += TILE
                else:
                    if v + 2 <= vectors:
                        _low_wide(left, a_row, a_step, right, b_step, out, c_row, depth, add)
                    else:
                        _low_narrow(left, a_row, a_step, right, b_step, out, c_row, depth, add)
                    r += 1


@njit(cache=True, nogil=True)
def multiply(a: Array, b: Array, c: Array) -> None:
    """c = a b, for float32 [m, k], [k, n'] and [m, n'], with n' a multiple of `LANES`. `a` may be a transpose."""
    sizes = a.strides[0] // 4, a.strides[1] // 4
    gemm(a.ctypes.data, sizes[0], sizes[1], b.ctypes.data, b.strides[0] // 4, c.ctypes.data, c.strides[0] // 4, len(a), b.shape[1], len(b))
