"""Runs that are made once and damaged often."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faults import compare
from faults.verdict import Lost
from faults.workshop import CACHE, RUN, Place

ROUNDS = 6
"""Rounds after which the interrupted run was interrupted."""
EVALUATED = "evaluated.json"
EVALUATE = ("evaluate", RUN, "--json", EVALUATED)
BY_INDEX = ("evaluate", RUN, "--index", "approximate", "--json", EVALUATED)
INTERRUPTED, FINISHED = "interrupted", "finished"


@dataclass
class Shelf:
    """A run, interrupted and finished, which always lies in the same place, since it says where its dataset is.

    Attributes:
        place: where.
        kept: copies of it in each state.
        figures: what each way of evaluating finds when nothing is damaged.
    """

    place: Place
    kept: Path
    figures: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def restore(self, state: str) -> None:
        """Puts everything as it was."""
        shutil.rmtree(self.place.folder, ignore_errors=True)
        shutil.copytree(self.kept / state, self.place.folder)

    def keep(self, state: str) -> None:
        """Remembers how everything is."""
        shutil.copytree(self.place.folder, self.kept / state)

    def must_evaluate_alike(self, words: tuple[str, ...]) -> None:
        """What an evaluation has just found must be what it finds when nothing is damaged.

        Raises:
            Lost: it is not.
        """
        if (got := _figures(self.place.folder)) != (expected := self.figures[words]):
            raise Lost(f"other figures, and nothing is said of it: {compare.first(got, expected)}")


_SHELVES: dict[tuple[str, str, int], Shelf] = {}


def shelf_of(place: Place) -> Shelf:
    """The shelf of a place's subject, of which each thread has one of its own; filled when it is first asked for."""
    key = (str(place.workshop.folder), place.subject.name, threading.get_ident())
    if key not in _SHELVES:
        _SHELVES[key] = _filled(place, f"{place.subject.name}-{threading.get_ident()}")
    return _SHELVES[key]


def _filled(place: Place, name: str) -> Shelf:
    folder = place.workshop.folder / "shelves" / name
    (folder / CACHE).mkdir(parents=True)
    own = replace(place, folder=folder)
    shelf = Shelf(own, folder.with_name(f"{name}-kept"))
    command = own.start(own.words, often=True)
    trains = command.trains(ROUNDS)
    command.send(signal.SIGKILL)
    ended = command.wait()
    if not trains:
        raise RuntimeError(f"{place.subject.name} cannot be trained for {ROUNDS} rounds: {ended.said}")
    shelf.keep(INTERRUPTED)
    own.must_go_on(quick=True)
    for words in (EVALUATE, BY_INDEX):  # the second builds the index too
        if own.fork(words).code == 0:
            shelf.figures[words] = _figures(folder)
            (folder / EVALUATED).unlink()
    shelf.keep(FINISHED)
    return shelf


def _figures(folder: Path) -> Any:
    return compare.timeless(json.loads((folder / EVALUATED).read_text()))
