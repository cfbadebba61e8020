"""Exact search: every query against every vector, in blocks that stay in the cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from turret.core.errors import InputError
from turret.core.interactions import IntArray, Ragged
from turret.index import files
from turret.index.contract import Floats, Found
from turret.index.filters import barred, fresh, held, nothing, places
from turret.index.metric import Metric, ready
from turret.index.scoring import ranked
from turret.kernels.parallel import each_alone

QUERIES = 512
"""Queries a piece of work."""
CELLS = 1 << 19
"""Scores in a block: 2 MiB, which are still in the cache when they are ranked."""


class Exact:
    """Keeps the `Index` contract by comparing everything with everything.

    Args:
        vectors: real [I, D].
        metric: what goes well together.
        ids: int [I] of the items, in any order; None numbers them 0..I-1.

    Attributes:
        metric: as given.
        ids: int32 [I] ascending, ...
        vectors: ... and the vector behind each, float32 [I, D]; of length 1 (or 0) for cosine.

    Raises:
        InputError: the vectors are no table or not all numbers; the ids are of another number, twice the same, or negative.
    """

    kind = "exact"

    def __init__(self, vectors: npt.ArrayLike, metric: Metric, ids: IntArray | None = None) -> None:
        self.metric: Metric = metric
        self.vectors: Floats = ready(vectors, metric)
        self.ids: npt.NDArray[np.int32] = np.arange(len(self.vectors), dtype=np.int32)
        if ids is not None:
            given = fresh(np.asarray(ids), self.ids[:0])
            if len(given) != len(self.vectors):
                raise InputError(f"{len(given)} ids do not go with {len(self.vectors)} vectors")
            order = np.argsort(given)
            self.ids, self.vectors = given[order], self.vectors[order]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def exact(self) -> Exact:
        """Itself."""
        return self

    @property
    def width(self) -> int:
        """D."""
        return int(self.vectors.shape[1])

    def search(self, queries: npt.ArrayLike, k: int, excluded: Ragged | None = None, allowed: IntArray | None = None) -> Found:
        """See `Index`. Scores are float32; items whose scores are the same to its precision may change places."""
        asked = ready(queries, self.metric, self.width)
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}")
        ids, vectors = self.ids, self.vectors
        if allowed is not None:
            at = places(ids, np.unique(np.asarray(allowed, dtype=np.int64)))
            ids, vectors = ids[at[at >= 0]], vectors[at[at >= 0]]
        without = barred(excluded, ids, len(asked))
        # <q, i> - |i|^2 / 2 ranks as the distance does.
        bias = -0.5 * np.einsum("nd,nd->n", vectors, vectors) if self.metric == "euclidean" else None

        def best(start: int) -> npt.NDArray[np.int32]:
            return _best(asked[start : start + QUERIES], vectors, bias, without.offsets[start:], without.values, k)

        rows = np.concatenate([np.empty((0, k), dtype=np.int32), *each_alone(best, range(0, len(asked), QUERIES))])
        return ranked(asked, vectors, ids, rows, nothing(len(asked)), self.metric, k)

    def add(self, ids: IntArray, vectors: npt.ArrayLike) -> None:
        """See `Index`. Copies the whole table, so many at once are better than one by one."""
        new, more = fresh(ids, self.ids), ready(vectors, self.metric, self.width)
        if len(new) != len(more):
            raise InputError(f"{len(new)} ids do not go with {len(more)} vectors")
        joined = np.concatenate([self.ids, new])
        order = np.argsort(joined)
        self.ids, self.vectors = joined[order], np.concatenate([self.vectors, more])[order]

    def remove(self, ids: IntArray) -> None:
        """See `Index`. Copies the whole table, so many at once are better than one by one."""
        at = held(ids, self.ids)
        self.ids, self.vectors = np.delete(self.ids, at), np.delete(self.vectors, at, axis=0)

    def save(self, path: str | Path) -> None:
        """See `Index`."""
        about = {"kind": self.kind, "metric": self.metric, "items": len(self), "width": self.width}
        files.write(Path(path), about, self.parts())

    @classmethod
    def load(cls, path: str | Path) -> Exact:
        """Reads what `save` wrote. The files are checked, and the vectors then stay mapped.

        Raises:
            InputError: there is no exact index, or one of its files is not what was written.
        """
        folder = files.read(Path(path), cls.kind)
        return cls.of_parts(folder)

    def parts(self) -> dict[str, files.Writer]:
        """What its folder holds, by name."""
        return {"ids.npy": files.array(self.ids), "vectors.npy": files.array(self.vectors)}

    @classmethod
    def of_parts(cls, folder: files.Folder) -> Exact:
        """The index that a folder with these parts holds.

        Raises:
            InputError: they do not go together.
        """
        found = cls.__new__(cls)
        found.metric, found.ids, found.vectors = folder.about.metric, folder.array("ids.npy"), folder.array("vectors.npy")
        if found.ids.shape != (folder.about.items,) or found.vectors.shape != (folder.about.items, folder.about.width):
            raise InputError("the files of the index do not go together", path=folder.path, hint=files.AGAIN)
        return found


def _best(queries: Floats, vectors: Floats, bias: Floats | None, offsets: IntArray, without: IntArray, k: int) -> npt.NDArray[np.int32]:
    """int32 [B, k] the rows of the vectors that are best for each query, -1 where there are fewer."""
    from turret.kernels.ranking import best  # numba loads when an index is asked, not when it is imported

    rows = np.full((len(queries), k), -1, dtype=np.int32)
    tops = np.full((len(queries), k), -np.inf, dtype=np.float32)
    width = max(1, CELLS // max(1, len(queries)))
    left, right = torch.from_numpy(queries), torch.from_numpy(vectors)
    for start in range(0, len(vectors), width):
        scores = left @ right[start : start + width].T
        if bias is not None:
            scores += torch.from_numpy(bias[start : start + width])
        best(0, len(queries), start, scores.numpy(), offsets, without, rows, tops)
    return rows
