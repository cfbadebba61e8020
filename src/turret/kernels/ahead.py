"""Memory asked for before it is needed: rows that lie far apart in a large table come several at a time, not one after another."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

AHEAD = 8
"""How many rows before its turn a row is asked for."""
LINE = 16
"""Float32 numbers of a cache line."""


def _line(context: Any, array: Any, row: Any, column: Any) -> Any:
    """See `line`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        found = make_array(signature.args[0])(context, builder, arguments[0])
        strides = cgutils.unpack_tuple(builder, found.strides)
        offset = builder.add(builder.mul(arguments[1], strides[0]), builder.mul(arguments[2], strides[1]))
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        to_write, keep, data = ir.Constant(number, 1), ir.Constant(number, 3), ir.Constant(number, 1)
        builder.call(ask, [builder.gep(builder.bitcast(found.data, pointer), [offset]), to_write, keep, data])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), generate


line: Any = intrinsic(_line)
"""`line(array, row, column)` asks for the cache line of a number of a matrix, and changes nothing but when that line comes."""


@njit(cache=True, nogil=True, forceinline=True)
def ask(table: Any, row: int) -> None:
    """Asks for a row of `table` [n, D]."""
    for column in range(0, table.shape[1], LINE):
        line(table, row, column)
