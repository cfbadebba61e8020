"""What came of a fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Fate = Literal["survived", "lost", "skipped"]


class Lost(Exception):  # noqa: N818 - it is a finding, not an error of the harness
    """Something was lost or wrong after a fault, or badly told; says what."""


class Skipped(Exception):  # noqa: N818
    """The fault cannot be made on this machine; says why."""


@dataclass(frozen=True)
class Case:
    """One fault: which kind, of which subject, the how manieth.

    Its text, `kind:subject:number`, with the campaign's seed, is all that is needed to repeat it.
    """

    kind: str
    subject: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.subject}:{self.number}"


@dataclass(frozen=True)
class Verdict:
    """What came of it.

    Attributes:
        case: the fault.
        fate: survived, lost or skipped.
        where: the moment or place at which it struck.
        reason: what was lost, or why it was skipped.
        litter: files that a killed process left and nobody cleared away; no loss, but untidy.
        seconds: what the case took.
    """

    case: Case
    fate: Fate
    where: str = ""
    reason: str = ""
    litter: tuple[str, ...] = field(default=())
    seconds: float = 0.0
