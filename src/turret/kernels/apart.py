"""Compiled functions that stay functions."""

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
