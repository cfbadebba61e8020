"""Candidates of each query, scored and put in order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from turret.core.interactions import IntArray, Ragged
from turret.index.contract import Floats, Found
from turret.index.metric import Metric
from turret.kernels.parallel import over_rows


def ranked(
    queries: Floats, vectors: Floats, ids: npt.NDArray[np.int32], candidates: IntArray, without: Ragged, metric: Metric, k: int
) -> Found:
    """The k best of each query's candidates.

    Args:
        queries: float32 [Q, D], ready for the metric, ...
        vectors: ... as are these, [I, D].
        ids: [I] ascending, the item behind each vector.
        candidates: int [Q, C] rows of the vectors, each at most once for a query; -1 where there is none.
        without: for each query the rows, ascending, that it must not name.
        metric: that scores are of.
        k: length of the lists.
    """
    from turret.kernels.candidates import best  # numba loads when an index is asked, not when it is imported

    rows = np.full((len(queries), k), -1, dtype=np.int32)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    given = (queries, vectors, candidates, metric == "euclidean", without.offsets, without.values, rows, scores)
    over_rows(lambda start, stop: best(start, stop, *given), len(queries))
    return Found(np.where(rows >= 0, ids[rows], -1) if len(ids) else rows, scores)
