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
LINE = 64
"""Bytes of a cache line."""


def _near(context: Any, array: Any, offset: Any) -> Any:
    """See `near`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        found = make_array(signature.args[0])(context, builder, arguments[0])
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        to_write, keep, data = ir.Constant(number, 1), ir.Constant(number, 3), ir.Constant(number, 1)
        builder.call(ask, [builder.gep(builder.bitcast(found.data, pointer), [arguments[1]]), to_write, keep, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


near: Any = intrinsic(_near)
"""`near(array, offset)` asks for the cache line so many bytes behind the beginning of an array, and changes nothing but when it comes."""


@njit(cache=True, nogil=True, forceinline=True)
def ask(table: Any, row: int) -> None:
    """Asks for a row of `table` [n, D], whose rows are contiguous."""
    for start in range(0, table.shape[1] * table.itemsize, LINE):
        near(table, row * table.strides[0] + start)
