"""Cells of near points, of which a search looks into few: the inverted file of FAISS, for Euclidean distance.

M. Douze et al. "The Faiss Library." arXiv:2401.08281. Which library, and why cells: `docs/decisions/0023-faiss-cells.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError, UnsupportedError
from turret.core.interactions import IntArray
from turret.index.contract import Floats
from turret.kernels.parallel import threads

SAMPLED = 64
"""Points a cell that the centres are found from, ..."""
ROUNDS = 10
"""... in so many rounds of k-means."""


class Cells:
    """Points by id, in cells around centres that k-means found.

    Args:
        handle: FAISS's `IndexIVFFlat` for Euclidean distance.
        mapped: whether its points are in a file that is mapped into memory, and must not change.
    """

    def __init__(self, handle: Any, mapped: bool = False) -> None:
        self._handle, self._mapped = handle, mapped

    @classmethod
    def around(cls, points: Floats, ids: IntArray, count: int) -> Cells:
        """Cells for float32 [I, P] points with ids int [I]. The same points give the same cells.

        Raises:
            UnsupportedError: the package faiss-cpu is not installed.
        """
        faiss = library()
        with _threads(faiss):
            handle = faiss.IndexIVFFlat(faiss.IndexFlatL2(points.shape[1]), points.shape[1], count, faiss.METRIC_L2)
            handle.cp.niter, handle.cp.max_points_per_centroid, handle.cp.min_points_per_centroid = ROUNDS, SAMPLED, 1
            handle.train(points)
            handle.add_with_ids(points, ids.astype(np.int64))
        return cls(handle)

    def __len__(self) -> int:
        return int(self._handle.ntotal)

    @property
    def count(self) -> int:
        """How many cells there are."""
        return int(self._handle.nlist)

    def nearest(self, points: Floats, k: int, probes: int, among: IntArray | None = None) -> npt.NDArray[np.int64]:
        """The ids [Q, k] of the points nearest to each of `points` [Q, P], -1 where the cells that were looked into have fewer.

        Args:
            points: to be near to.
            k: how many.
            probes: cells that are looked into, those with the nearest centres.
            among: the only ids to be named; None names any.
        """
        faiss = library()
        chosen = {} if among is None else {"sel": faiss.IDSelectorBatch(among.astype(np.int64))}
        settings = faiss.SearchParametersIVF(nprobe=min(probes, self.count), **chosen)
        with _threads(faiss):
            found: npt.NDArray[np.int64] = self._handle.search(points, k, params=settings)[1]
        return found

    def add(self, points: Floats, ids: IntArray) -> None:
        """Takes up points [n, P] with ids [n], each into the cell that it is nearest to; the centres stay."""
        self._own()
        with _threads(library()):
            self._handle.add_with_ids(points, ids.astype(np.int64))

    def remove(self, ids: IntArray) -> None:
        """Drops points; the centres stay."""
        faiss = library()
        self._own()
        self._handle.remove_ids(faiss.IDSelectorBatch(ids.astype(np.int64)))

    def write(self, path: Path) -> None:
        """Writes them to a file in FAISS's format."""
        self._own()  # a file of mapped cells would only name the file that they are in
        library().write_index(self._handle, str(path))

    @classmethod
    def read(cls, path: Path, points: int, width: int) -> Cells:
        """Reads what `write` wrote; the points are mapped into memory, the centres read.

        Args:
            path: the file.
            points, width: I and P that it must have.

        Raises:
            InputError: it is no such file.
            UnsupportedError: the package faiss-cpu is not installed.
        """
        faiss = library()
        try:
            handle = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        except RuntimeError as error:
            raise InputError(f"FAISS cannot read it: {str(error).splitlines()[-1]}", path=path) from None
        if not isinstance(handle, faiss.IndexIVFFlat) or (handle.ntotal, handle.d) != (points, width):
            raise InputError(f"does not hold the cells of {points} points of width {width}", path=path)
        return cls(handle, mapped=True)

    def _own(self) -> None:
        """Copies mapped points into memory, where they can change."""
        if not self._mapped:
            return
        faiss, handle = library(), self._handle
        kept = faiss.ArrayInvertedLists(handle.nlist, handle.code_size)
        handle.invlists.copy_subset_to(kept, faiss.InvertedLists.SUBSET_TYPE_ID_RANGE, 0, 1 << 62)
        handle.replace_invlists(kept, True)
        kept.this.disown()
        self._mapped = False


def library() -> Any:
    """The package faiss.

    Raises:
        UnsupportedError: it is not installed.
    """
    try:
        import faiss
    except ImportError:
        raise UnsupportedError("approximate search takes the package faiss-cpu: pip install 'turret[index]'") from None
    return faiss


@contextmanager
def _threads(faiss: Any) -> Iterator[None]:
    """As many threads as our own kernels have: what FAISS finds does not depend on their number."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads())
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
