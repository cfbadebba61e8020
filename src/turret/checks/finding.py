"""What a check says, and the words that all of them say it in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["ok", "note", "warning", "not applicable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        name: of the check.
        verdict: "ok", "note" (to be known when figures are read), "warning" (figures say something else than they seem to), or
            "not applicable".
        found: what is the case, or why nothing could be checked.
        effect: what it does to a result, in numbers measured on this dataset.
        advice: what to do; empty where nothing need be done.
        figures: the numbers, by name.
    """

    name: str
    verdict: Verdict
    found: str
    effect: str = ""
    advice: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def flat(self) -> dict[str, str | float]:
        """Everything under names that begin with the check's, as one JSON object holds it; numbers that there are none of are absent."""
        key = self.name.replace(" ", "_")
        said: dict[str, str | float] = {"verdict": self.verdict, "found": self.found, "effect": self.effect, "advice": self.advice}
        said |= {name: value for name, value in self.figures.items() if math.isfinite(value)}
        return {f"{key}.{name}": value for name, value in said.items() if value != ""}


def absent(name: str, reason: str) -> Finding:
    """A check that has nothing to look at."""
    return Finding(name, "not applicable", reason)


def verdict(value: float, *, note: float, warning: float) -> Verdict:
    """A warning from `warning` on, a note above `note`, else ok."""
    return "warning" if value >= warning else "note" if value > note else "ok"


def share(some: float, whole: float) -> float:
    """some / whole, 0 of nothing."""
    return some / whole if whole else 0.0


def of(some: int, whole: int, what: str) -> str:
    """`12 of 1,000 rows (1.2 %)`, `none of 1,000 rows`."""
    if not some:
        return f"none of {whole:,} {what}"
    return f"{some:,} of {whole:,} {what} ({percent(share(some, whole))})"


def some(n: int, whole: int) -> str:
    """`12 (1.2 %)`, `none`."""
    return f"{n:,} ({percent(share(n, whole))})" if n else "none"


def count(n: int, what: str, several: str | None = None) -> str:
    """`1 row`, `12 rows`."""
    return f"{n:,} {what if n == 1 else several or what + 's'}"


def percent(value: float) -> str:
    """A share with one digit behind the point; one that would look like none or all is shown as nearly so."""
    if 0 < value < 0.0005:
        return "below 0.1 %"
    return "above 99.9 %" if 0.9995 <= value < 1 else f"{100 * value:.1f} %"


def number(value: float) -> str:
    """Four digits behind the point."""
    return f"{value:.4f}"


def between(interval: tuple[float, float]) -> str:
    """A 95 % interval of a difference."""
    return f"95 % interval {interval[0]:+.4f} to {interval[1]:+.4f}"
