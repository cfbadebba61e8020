"""How much of the exact lists an index finds, and how fast."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from turret.core.interactions import IntArray, Ragged
from turret.index.contract import Found, Index


@dataclass(frozen=True)
class Recall:
    """An index beside exact search, on the same queries with the same threads.

    Attributes:
        index: its kind.
        recall: the mean share of the exact lists that it found; 1 for an index of which nothing was asked.
        k: length of the lists.
        queries: how many there were.
        per_second: queries that it answered in a second, ...
        exact_per_second: ... and exact search.
    """

    index: str
    recall: float
    k: int
    queries: int
    per_second: float
    exact_per_second: float


def recall(index: Index, exact: Index, queries: npt.ArrayLike, k: int, excluded: Ragged | None = None) -> Recall:
    """Asks both indices the same.

    Args:
        index: to be judged.
        exact: over the same items.
        queries: real [Q, D].
        k: length of the lists.
        excluded: for each query the ids that it must not name.
    """
    rows = np.asarray(queries)
    index.search(rows[:1], k, None if excluded is None else first(excluded, 1))  # compiles and loads what there is to
    begun = time.perf_counter()
    found = index.search(rows, k, excluded)
    between = time.perf_counter()
    truth = exact.search(rows, k, excluded)
    end = time.perf_counter()
    speeds = [len(rows) / max(seconds, 1e-9) for seconds in (between - begun, end - between)]
    return Recall(index.kind, share(found, truth), k, len(rows), *speeds)


def share(found: Found, truth: Found) -> float:
    """The mean over queries of the share of the true list that was found; queries whose true list is empty do not count."""
    hits = (matches(found.items, truth.items)).sum(axis=1)
    asked = (truth.items >= 0).sum(axis=1)
    return float((hits[asked > 0] / asked[asked > 0]).mean()) if (asked > 0).any() else 1.0


def matches(found: IntArray, truth: IntArray) -> npt.NDArray[np.bool_]:
    """Bool [Q, k] which of the true items [Q, k] are among those found [Q, k]; none where there is no true item."""
    width = int(max(truth.max(initial=-1), found.max(initial=-1))) + 2
    row = np.arange(len(truth), dtype=np.int64)[:, None] * width
    return np.isin(truth + row, found + row) & (truth >= 0)


def first(ragged: Ragged, rows: int) -> Ragged:
    """The first rows."""
    return Ragged(ragged.offsets[: rows + 1], ragged.values)
