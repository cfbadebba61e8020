"""All checks, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from turret.checks import answers, counts, duplicates, future, order, popularity, power, repeats, telltale, twins, unseen, values
from turret.checks.finding import Finding
from turret.checks.subject import Subject

CHECKS: dict[str, Callable[[Subject], Finding]] = {
    module.NAME: module.check
    for module in (future, duplicates, unseen, repeats, counts, order, popularity, power, answers, twins, telltale, values)
}
"""What each looks for is said in its file and in `docs/check.md`."""


def examine(subject: Subject, say: Callable[[str], None] = lambda _: None) -> Iterator[Finding]:
    """What each check finds. `say` is told what is looked at."""
    for name, check in CHECKS.items():
        say(f"checking: {name}")
        yield check(subject)
