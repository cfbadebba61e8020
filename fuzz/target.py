"""What a target is: something that reads what it did not write."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from turret.core.errors import TurretError


class WrongError(AssertionError):
    """An input was not refused, and something else was read than is in it."""


@dataclass(frozen=True)
class Target:
    """Something that reads what it did not write.

    Attributes:
        reads: what is fed to which public function, in a line.
        share: of a hundred inputs. Targets that take long have small ones.
        once: reads one input; the folder is empty, and its own.
        seeds: valid inputs to begin with.
        tokens: words that inputs are made of.
        allowed: the errors that bad input may end in.
    """

    reads: str
    share: float
    once: Callable[[bytes, Path], object]
    seeds: Callable[[], Iterable[bytes]]
    tokens: tuple[str, ...] = ()
    allowed: tuple[type[Exception], ...] = (TurretError,)
