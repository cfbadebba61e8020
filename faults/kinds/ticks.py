"""Death between any two operations on files, each in turn: files of a dataset, of a run, of an index."""

from __future__ import annotations

from collections.abc import Sequence

from faults import forked
from faults.forked import Death
from faults.kinds.kind import Kind
from faults.shelf import BY_INDEX, FINISHED, shelf_of
from faults.verdict import Case, Lost
from faults.workshop import RUN, Place, Workshop

SUBJECT, INDEXED = "tiny", "bpr"
INDEX = ("index", RUN)
APART = 3
"""Operations from one power cut to the next."""


def _count(workshop: Workshop, times: int) -> int:
    """How many operations the training of the subject makes, preparation included."""
    place = workshop.place(Case("counting", SUBJECT, 0))
    ended = place.fork(place.words, death=Death(0))
    if ended.code != 0:
        raise RuntimeError(f"{SUBJECT} cannot be trained at all: {ended.said}")
    return forked.ticks(place.folder)


def _count_of_power_cuts(workshop: Workshop, times: int) -> int:
    return _count(workshop, times) // APART


def _tick(place: Place) -> str:
    return _die(place, Death(place.case.number))


def _power_cut(place: Place) -> str:
    """At one of `APART` ticks, another one with each seed."""
    tick = (place.case.number - 1) * APART + 1 + place.workshop.seed % APART
    return _die(place, Death(tick, torn=place.draw.randrange(2**31)))


def _die(place: Place, death: Death) -> str:
    where = _killed(place, place.words, death)
    try:
        place.must_go_on(quick=True)
    except Lost as lost:
        raise Lost(f"{where}: {lost}") from None
    return where


def _killed(place: Place, words: Sequence[str], death: Death) -> str:
    """Lets a command die; says where it did."""
    killed = place.fork(words, death=death)
    where = killed.err.strip().splitlines()[-1] if killed.err.strip() else ""
    if not where.startswith("killed before"):
        raise Lost(f"no such tick: it left with {killed.code}: {killed.said}")
    return where


def _count_of_index(workshop: Workshop, times: int) -> int:
    """How many operations building an index makes, where there is one already."""
    shelf = shelf_of(workshop.place(Case("counting", INDEXED, 0)))
    shelf.restore(FINISHED)
    if (ended := shelf.place.fork(INDEX, death=Death(0))).code != 0:
        raise RuntimeError(f"an index cannot be built at all: {ended.said}")
    return forked.ticks(shelf.place.folder)


def _index(place: Place) -> str:
    """The index that was there, or the new one, which is the same, must answer."""
    shelf = shelf_of(place)
    shelf.restore(FINISHED)
    where = _killed(shelf.place, INDEX, Death(place.case.number, torn=place.draw.randrange(2**31)))
    ended = shelf.place.fork(BY_INDEX)
    if ended.code != 0:
        raise Lost(f"{where}: evaluation leaves with {ended.code}: {ended.said}")
    shelf.must_evaluate_alike(BY_INDEX)
    return where


KINDS = (
    Kind("tick", "SIGKILL before each operation on files in turn", _tick, _count, (SUBJECT,)),
    Kind("power-cut", "the same at every third, and what was not synced is cut somewhere", _power_cut, _count_of_power_cuts, (SUBJECT,)),
    Kind(
        "index-power-cut", "a power cut before each operation while `turret index` replaces an index", _index, _count_of_index, (INDEXED,)
    ),
)
