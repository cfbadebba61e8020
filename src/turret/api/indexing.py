"""Indices of runs: built once, kept in the run's folder, and built again where the model's vectors are others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from turret.api.machine import settled
from turret.api.options import Section, flatten, named
from turret.api.run import Run, opened
from turret.core.errors import InputError
from turret.evaluation.catalogue import at_rest
from turret.evaluation.sides import METRIC, Sides, sample
from turret.index import files
from turret.index.approximate import Approximate
from turret.index.config import Indexing
from turret.index.contract import Floats, Index
from turret.index.exact import Exact
from turret.index.recall import Recall, recall

IndexKind = Literal["exact", "approximate"]
INDEXING = Section("The index", Indexing)
FOLDER = "index"
LENGTH = 20
"""Of the lists whose recall an index is tuned by."""
TUNED, JUDGED = 1000, 1000
"""Users whose lists an index is tuned by, and others whose lists it is judged by."""

Say = Callable[[str], None]


def build_index(run: str | Path | Run, *, say: Say | None = None, **options: Any) -> Recall:
    """Builds the approximate index of a run anew, keeps it in the run's folder, and says how good it is.

    Args:
        run: a run or its directory.
        say: is told what is done.
        options: those of `Indexing`: recall_target, cells, probes.

    Returns:
        The index beside exact search, on lists of 20 items of users that it was not tuned by (where there are enough users).

    Raises:
        InputError: no such run; an option that is refused.
        UnsupportedError: the model has no vectors that an index could hold, or the package faiss-cpu is not installed.
    """
    run = opened(run)
    settings = INDEXING.build(named(flatten((INDEXING,)), options))
    with settled(run.job.running):
        return judged(run, _built(run, settings, say or _silent))


def index_of(run: Run, kind: IndexKind, say: Say | None = None) -> Index:
    """An index of the items of a run: the one that is kept in its folder, if that is of the vectors that the model has now.

    Args:
        run: whose model is a retriever.
        kind: exact, which is made on the spot, or approximate.
        say: is told what is done.

    Raises:
        UnsupportedError: the model has no vectors that an index could hold, or the package faiss-cpu is not installed.
    """
    say = say or _silent
    if kind == "exact":
        return Exact(_items(run), METRIC)
    folder = run.path / FOLDER
    if (folder / files.MANIFEST).exists():
        try:
            found = Approximate.load(folder)
        except InputError as error:
            say(f"the index that was kept cannot be used: {error.message} ({error.path}); it is built again")
        else:
            if _is_of(found, _items(run)):
                say(f"index: {folder}")
                return found
            say("the index that was kept is of other vectors than the model has now; it is built again")
    return _built(run, Indexing(), say)


def judged(run: Run, index: Index) -> Recall:
    """An index of a run beside exact search."""
    with at_rest(run.model):
        queries, seen = sample(Sides(run.model), run.prepared, JUDGED, TUNED)
    return recall(index, index.exact, queries, LENGTH, seen)


def _built(run: Run, settings: Indexing, say: Say) -> Approximate:
    """A new index, kept in the run's folder where that can be written."""
    items = _items(run)
    say(f"building the index of {len(items):,} items")
    if settings.probes is not None:
        index = Approximate(items, METRIC, cells=settings.cells, probes=settings.probes)
    else:
        with at_rest(run.model):
            queries, seen = sample(Sides(run.model), run.prepared, TUNED)
        target = settings.recall_target
        index = Approximate.tuned(items, METRIC, queries, LENGTH, excluded=seen, recall_target=target, cells=settings.cells)
    try:
        index.save(run.path / FOLDER)
    except InputError as error:
        say(f"the index is used and not kept: {error.message}")
    else:
        say(f"index: {run.path / FOLDER}")
    return index


def _items(run: Run) -> Floats:
    with at_rest(run.model):
        return Sides(run.model).items()


def _is_of(index: Approximate, items: Floats) -> bool:
    """Whether an index holds these vectors, item by item."""
    return index.metric == METRIC and np.array_equal(index.exact.ids, np.arange(len(items))) and np.array_equal(index.exact.vectors, items)


def _silent(text: str) -> None:
    """Nobody listens."""
