"""What goes well together, and vectors made ready for it."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError

Metric = Literal["inner_product", "cosine", "euclidean"]
"""Scores, higher is better: <q, i>; <q, i> / (|q| |i|), 0 where one of the two is 0; -|q - i|."""


def ready(vectors: npt.ArrayLike, metric: Metric, width: int | None = None) -> npt.NDArray[np.float32]:
    """Vectors as an index keeps and compares them: float32 [n, D] side by side in memory; for cosine of length 1, or 0.

    Args:
        vectors: real [n, D]; an array that is ready is taken as it is.
        metric: of the index.
        width: the D that they must have; None takes any.

    Raises:
        InputError: they are no table, of another width, or not all numbers that float32 holds.
    """
    given = np.asarray(vectors)
    if given.ndim != 2 or given.dtype.kind not in "fiu" or not given.shape[1]:
        raise InputError(f"vectors are a table of numbers [n, D], not {given.dtype} {list(given.shape)}")
    if width is not None and given.shape[1] != width:
        raise InputError(f"vectors of width {given.shape[1]} do not go with an index of width {width}")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as that
        kept = np.ascontiguousarray(given, dtype=np.float32)
    finite = np.isfinite(kept).all(axis=1)
    if not finite.all():
        raise InputError(f"vector {int(np.argmin(finite))} has values that are not finite numbers, so nothing can be compared with it")
    if metric != "cosine":
        return kept
    # In float64, where squares of what float32 holds neither overflow nor vanish.
    lengths = np.sqrt(np.einsum("nd,nd->n", kept, kept, dtype=np.float64))[:, None]
    unit: npt.NDArray[np.float32] = np.divide(kept, lengths, out=np.zeros_like(kept), where=lengths > 0, casting="unsafe")
    return unit
