"""Compiled functions that stay functions, and why some must not.

What a process has compiled it calls as it was compiled by itself. From numba's cache it gets copies that were optimised once more, with
their caller. Where the compiler may reorder or contract what floats do (`fastmath`), the two may differ in their last bits, and the first
run on a machine from all later ones. So a function with `fastmath`, or one that calls such a one, is written out wherever it is called
(`forceinline=True`), and what stays apart has no `fastmath`. Callees inherit the wish from their callers, hence `forceinline=False` here.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic


def _apart(context: Any) -> Any:
    """See `apart`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


apart: Any = intrinsic(_apart)
"""Called anywhere in a function, keeps the compiler from writing that function out, and optimising it anew, wherever it is called."""
