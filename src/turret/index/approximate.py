"""Approximate search: candidates from a few cells of near vectors, scored exactly.

All metrics become Euclidean distance. For inner product each item gets one coordinate more, sqrt(M^2 - |i|^2) with M the largest |i|, and
each query a 0: then |q - i|^2 = |q|^2 + M^2 - 2 <q, i>, so that the nearest items are those of the largest inner product (Y. Bachrach,
Y. Finkelstein, R. Gilad-Bachrach, L. Katzir, N. Koenigstein, N. Nice, U. Paquet. "Speeding Up the Xbox Recommender System Using a Euclidean
Transformation for Inner-Product Spaces." RecSys 2014). Cosine is the inner product of vectors of length 1; there the coordinate keeps
apart the vectors that are 0.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError
from turret.core.interactions import IntArray, Ragged
from turret.index import files
from turret.index.cells import Cells
from turret.index.contract import Floats, Found
from turret.index.exact import Exact
from turret.index.filters import barred, held, places
from turret.index.metric import Metric, ready
from turret.index.recall import share
from turret.index.scoring import ranked

SPARE = 2
"""Candidates beside the k for each item that a query excludes on average: some are among the best. ..."""
WIDER = 4
"""... So many times as many, from so many times the cells, for the queries whose lists are not full then."""
ROUNDS = 3
"""Searches until all items are compared with the queries that are still left."""
FARTHEST = 1e18
"""Of longer vectors float32 cannot hold the squares of distances, which FAISS cannot do without."""
FEW = 8
"""Where less than one of so many items is allowed, comparing all of those is quicker than looking for them in cells."""


class Approximate:
    """Keeps the `Index` contract by looking where good items are likely to be. What it names it scores exactly, it names nothing that is
    excluded or not allowed, and it leaves no list short that could be full; it may miss items.

    Args:
        vectors: real [I, D].
        metric: what goes well together.
        ids: int [I] of the items; None numbers them 0..I-1.
        cells: how many there are; None: twice the square root of the number of items.
        probes: into how many of them a search looks; `tuned` finds out.

    Attributes:
        exact: the items themselves, ...
        cells: ... and the cells that they are in.
        probes: as given; may be set.

    Raises:
        InputError: the vectors or ids are refused, see `Exact`, or a vector is longer than `FARTHEST`.
        UnsupportedError: the package faiss-cpu is not installed.
    """

    kind = "approximate"

    def __init__(
        self, vectors: npt.ArrayLike, metric: Metric, ids: IntArray | None = None, *, cells: int | None = None, probes: int = 8
    ) -> None:
        self.exact: Exact = Exact(vectors, metric, ids)
        _in_reach(self.exact.vectors)
        if not len(self.exact):
            raise InputError("there are no items to divide into cells")
        self.probes = probes
        self._divide(cells or round(2 * math.sqrt(len(self.exact))))

    @classmethod
    def tuned(
        cls,
        vectors: npt.ArrayLike,
        metric: Metric,
        queries: npt.ArrayLike,
        k: int,
        *,
        ids: IntArray | None = None,
        excluded: Ragged | None = None,
        recall_target: float = 0.95,
        cells: int | None = None,
    ) -> Approximate:
        """An index that looks into as few cells as `recall_target` takes.

        Args:
            vectors, metric, ids, cells: of the index.
            queries: real [Q, D], a sample of what it will be asked; a thousand are plenty.
            k: length of the lists whose recall counts.
            excluded: for each query the ids that it must not name.
            recall_target: share of the exact lists.
        """
        index = cls(vectors, metric, ids, cells=cells, probes=1)
        truth = index.exact.search(queries, k, excluded)

        def enough(probes: int) -> bool:
            index.probes = probes
            return share(index.search(queries, k, excluded), truth) >= recall_target

        low, high = 0, 1
        while high < index.cells.count and not enough(high):
            low, high = high, min(2 * high, index.cells.count)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        index.probes = high
        return index

    @property
    def metric(self) -> Metric:
        """What goes well together."""
        return self.exact.metric

    @property
    def width(self) -> int:
        """D."""
        return self.exact.width

    def __len__(self) -> int:
        return len(self.exact)

    def search(self, queries: npt.ArrayLike, k: int, excluded: Ragged | None = None, allowed: IntArray | None = None) -> Found:
        """See `Index`."""
        asked, ids = _in_reach(ready(queries, self.metric, self.width)), self.exact.ids
        among = None if allowed is None else np.intersect1d(allowed, ids)
        size = len(ids) if among is None else len(among)
        if k < 1 or size * FEW <= len(ids):
            return self.exact.search(asked, k, excluded, allowed)
        without = barred(excluded, ids, len(asked))
        wanted = np.minimum(k, size - _within(without, None if among is None else places(ids, among), len(ids)))
        found = Found(np.full((len(asked), k), -1, dtype=np.int32), np.full((len(asked), k), -np.inf, dtype=np.float32))
        left = np.flatnonzero(wanted > 0)
        fetch = k + SPARE * (len(without.values) // max(1, len(asked)))
        points, probes = self._towards(asked), self.probes * -(-len(ids) // size)
        for _ in range(ROUNDS):
            if not len(left):
                return found
            near = places(ids, self.cells.nearest(points[left], min(fetch, len(ids)), probes, among).ravel()).reshape(len(left), -1)
            best = ranked(asked[left], self.exact.vectors, ids, near, _rows(without, left), self.metric, k)
            full = (best.items >= 0).sum(axis=1) >= wanted[left]
            found.items[left[full]], found.scores[left[full]] = best.items[full], best.scores[full]
            left, fetch, probes = left[~full], fetch * WIDER, probes * WIDER
        if len(left):
            rest = self.exact.search(asked[left], k, None if excluded is None else _rows(excluded, left), allowed)
            found.items[left], found.scores[left] = rest.items, rest.scores
        return found

    def add(self, ids: IntArray, vectors: npt.ArrayLike) -> None:
        """See `Index`. Cells stay as they are, unless inner products are searched and a vector is longer than all before; so an index that
        has grown much is better built anew."""
        more = _in_reach(ready(vectors, self.metric, self.width))
        self.exact.add(ids, more)
        if self._longest < _longest(more, self.metric):
            self._divide(self.cells.count)
        elif len(more):
            self.cells.add(self._lifted(more), np.asarray(ids))

    def remove(self, ids: IntArray) -> None:
        """See `Index`."""
        at = held(ids, self.exact.ids)
        self.cells.remove(self.exact.ids[at])
        self.exact.remove(ids)

    def save(self, path: str | Path) -> None:
        """See `Index`."""
        about = {"kind": self.kind, "metric": self.metric, "items": len(self), "width": self.width}
        parts = {**self.exact.parts(), "cells.faiss": self.cells.write}
        files.write(Path(path), {**about, "probes": self.probes, "longest": self._longest}, parts)

    @classmethod
    def load(cls, path: str | Path) -> Approximate:
        """Reads what `save` wrote. The files are checked, and vectors and cells then stay mapped.

        Raises:
            InputError: there is no approximate index, or one of its files is not what was written.
            UnsupportedError: the package faiss-cpu is not installed.
        """
        folder = files.read(Path(path), cls.kind)
        found = cls.__new__(cls)
        found.exact = Exact.of_parts(folder)
        found.probes, found._longest = folder.about.probes, folder.about.longest
        found.cells = Cells.read(folder.part("cells.faiss"), len(found.exact), found._towards(found.exact.vectors[:1]).shape[1])
        return found

    def _divide(self, count: int) -> None:
        self._longest = _longest(self.exact.vectors, self.metric)
        self.cells = Cells.around(self._lifted(self.exact.vectors), self.exact.ids, min(count, len(self.exact)))

    def _lifted(self, vectors: Floats) -> Floats:
        """Items as points: float32 [n, D + 1], or [n, D] where the distance is what counts."""
        if self.metric == "euclidean":
            return vectors
        room = np.maximum(self._longest**2 - np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64), 0)
        return np.concatenate([vectors, np.sqrt(room)[:, None].astype(np.float32)], axis=1)

    def _towards(self, queries: Floats) -> Floats:
        """Queries as points among them."""
        return queries if self.metric == "euclidean" else np.pad(queries, ((0, 0), (0, 1)))


def _in_reach(vectors: Floats) -> Floats:
    """The vectors themselves.

    Raises:
        InputError: one is longer than `FARTHEST`.
    """
    far = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64) > FARTHEST**2
    if far.any():
        hint = "Scores of such vectors are hardly numbers: has training diverged?"
        raise InputError(f"vector {int(np.argmax(far))} is longer than {FARTHEST:g}, too long for approximate search", hint=hint)
    return vectors


def _longest(vectors: Floats, metric: Metric) -> float:
    """M, of vectors [n, D] whose inner products are searched; 0 for others."""
    if metric == "euclidean" or not len(vectors):
        return 0.0
    return 1.0 if metric == "cosine" else float(np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64).max()))


def _within(rows: Ragged, among: IntArray | None, width: int) -> IntArray:
    """int64 [R] how many values of each row are among some, or are any."""
    if among is None:
        return rows.lengths
    counted = np.zeros(width, dtype=bool)
    counted[among] = True
    return np.bincount(np.repeat(np.arange(len(rows)), rows.lengths), weights=counted[rows.values], minlength=len(rows)).astype(np.int64)


def _rows(ragged: Ragged, rows: IntArray) -> Ragged:
    """Some of the rows, ascending."""
    if len(rows) == len(ragged):
        return ragged
    kept = np.zeros(len(ragged), dtype=bool)
    kept[rows] = True
    values = ragged.values[ragged.offsets[0] : ragged.offsets[-1]][np.repeat(kept, ragged.lengths)]
    return Ragged(np.concatenate([[0], np.cumsum(ragged.lengths[rows])]), values)
