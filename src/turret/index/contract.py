"""What an index is."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from turret.core.interactions import IntArray, Ragged
from turret.index.metric import Metric

Floats = npt.NDArray[np.float32]


class Found(NamedTuple):
    """The best items of each of Q queries, best first; of equal scores the lower id comes first.

    Attributes:
        items: int32 [Q, k] their ids, -1 where there are fewer.
        scores: float32 [Q, k] in the metric's own score, higher is better; minus infinity where there is no item.
    """

    items: npt.NDArray[np.int32]
    scores: Floats


class Index(Protocol):
    """Vectors of items by id, which can be asked for those that go best with a query."""

    kind: str
    """Its name: "exact" or "approximate"."""

    @property
    def exact(self) -> Index:
        """Exact search over the same items; itself, where it is that."""
        ...

    @property
    def metric(self) -> Metric:
        """What goes well together."""
        ...

    @property
    def width(self) -> int:
        """D."""
        ...

    def __len__(self) -> int:
        """I, the items that it holds."""
        ...

    def search(self, queries: npt.ArrayLike, k: int, excluded: Ragged | None = None, allowed: IntArray | None = None) -> Found:
        """The k best items of each query.

        Args:
            queries: real [Q, D].
            k: at least 1; may be more than there are items.
            excluded: for each query the ids that it must not name. Ids that the index does not hold are nothing to it.
            allowed: the only ids that any query may name; None allows all.

        Raises:
            InputError: the queries are of another width or not all numbers, k is below 1, or `excluded` has another number of rows.
        """
        ...

    def add(self, ids: IntArray, vectors: npt.ArrayLike) -> None:
        """Takes up items.

        Args:
            ids: int [n], none of them held, none twice.
            vectors: real [n, D].

        Raises:
            InputError: an id is held already, is given twice or is negative; the vectors are of another width or not all numbers.
        """
        ...

    def remove(self, ids: IntArray) -> None:
        """Drops items.

        Raises:
            InputError: an id is not held.
        """
        ...

    def save(self, path: str | Path) -> None:
        """Writes the index into a folder, over one that is there; whoever reads it meanwhile finds the old one or the new one.

        Raises:
            InputError: it cannot be written.
        """
        ...
