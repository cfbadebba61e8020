"""Compiled functions that stay functions."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic


@intrinsic
def apart(context: Any) -> Any:
    """Called anywhere in a function, keeps the compiler from writing that function out, and optimising it anew, wherever it is called."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate
