"""What a kind of fault is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from faults.subjects import SUBJECTS
from faults.workshop import Place, Workshop


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        name: short, unique.
        prose: what happens.
        inject: lets it happen in a place, sees whether all is well after it, and says where it struck; raises `Lost` or `Skipped`.
        cases: how many a campaign makes that is asked for so many, all numbered from 1; or all that there are.
        subjects: whom it befalls, in turns.
    """

    name: str
    prose: str
    inject: Callable[[Place], str]
    cases: Callable[[Workshop, int], int] = lambda workshop, times: times
    subjects: tuple[str, ...] = tuple(name for name in SUBJECTS if name != "tiny")


def share(part: float) -> Callable[[Workshop, int], int]:
    """So large a part of the times that a campaign is asked for, and one at least."""
    return lambda workshop, times: max(round(part * times), 1)


def all_of(things: Iterable[object]) -> Callable[[Workshop, int], int]:
    """One case for each."""
    count = len(list(things))
    return lambda workshop, times: count
