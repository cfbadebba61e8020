"""What a case is: files, sides that do the same work on them, a floor under it, and how alike the results must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TURRET = "turret"
Facts = dict[str, Any]
"""Counts that describe the files of a size: users, items, rows, and what else the floor needs."""


@dataclass(frozen=True)
class Size:
    """One of the sizes of a case.

    Attributes:
        name: such as `ml-100k`, or `1M`.
        words: what the files are made from, and what the sides are told.
        rounds: how often each side is measured.
        limit: seconds after which a side is stopped, and counts as one that cannot do it.
        sides: those that take part, where it is not all of them.
        once: those that take so long that they are measured in the first round alone.
    """

    name: str
    words: Mapping[str, Any] = field(default_factory=dict)
    rounds: int = 5
    limit: float = 900.0
    sides: tuple[str, ...] | None = None
    once: tuple[str, ...] = ()


@dataclass(frozen=True)
class Work:
    """What must be done whoever does it.

    Attributes:
        operations: multiplications and additions of float32.
        moved: bytes that are read or written once at least.
        words: how both are counted.
    """

    operations: float
    moved: float
    words: str


@dataclass(frozen=True)
class Alike:
    """What makes two results equally good.

    Attributes:
        measure: of the quality that the sides tell; higher is better.
        within: how much worse than the peer's Turret's may be, as a share. 0 asks for the same number.
        exact: whether better is not good enough, since both compute the same thing.
    """

    measure: str
    within: float = 0.01
    exact: bool = False


@dataclass(frozen=True)
class Target:
    """A ratio to reach: the peer's median over Turret's."""

    size: str
    peer: str
    times: float
    memory: float | None = None


def as_told(outcomes: Mapping[str, dict[str, Any]]) -> None:
    """Leaves them as the sides told them."""


@dataclass(frozen=True)
class Case:
    """A case.

    Attributes:
        name: by which it is asked for.
        title: one line.
        measured: what the seconds are of, in words.
        sizes: from small to large.
        sides: the libraries, Turret first; each has `sides/SIDE/SCRIPT.py`.
        script: the name of the sides' scripts.
        write: makes the files of a size in a folder, and says what they hold.
        work: the floor for them.
        alike: what makes the results equally good.
        grows: the fact by which the sizes are told apart.
        targets: to reach.
        settle: what becomes of the outcomes of a round, by side, once all have told theirs.
    """

    name: str
    title: str
    measured: str
    sizes: tuple[Size, ...]
    sides: tuple[str, ...]
    script: str
    write: Callable[[Size, Path], Facts]
    work: Callable[[Facts], Work]
    alike: tuple[Alike, ...]
    grows: str
    targets: tuple[Target, ...] = ()
    settle: Callable[[Mapping[str, dict[str, Any]]], None] = as_told
