"""What a campaign says at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from faults.kinds import KINDS
from faults.subjects import SUBJECTS
from faults.verdict import Verdict

HEADINGS = ("injected", "survived", "lost", "skipped", "untidy")


def show(verdicts: Sequence[Verdict], seed: int) -> None:
    """Prints the faults by kind and by subject, and each that lost something with the command that repeats it."""
    console = Console(highlight=False, width=None if Console().is_terminal else 160)
    _table(console, verdicts, "kind", lambda each: each.case.kind, {name: kind.prose for name, kind in KINDS.items()})
    _table(console, verdicts, "subject", lambda each: each.case.subject, {name: subject.procedure for name, subject in SUBJECTS.items()})
    for reason in sorted({each.reason for each in verdicts if each.fate == "skipped"}):
        console.print(f"skipped: {reason}", markup=False, soft_wrap=True)
    for each in verdicts:
        if each.fate == "lost":
            text = f"\nlost: {each.case}{f' ({each.where})' if each.where else ''}\n  {each.reason}\n  {repeat(each, seed)}"
            console.print(text, markup=False, soft_wrap=True)


def repeat(verdict: Verdict, seed: int) -> str:
    """The command that makes a fault again."""
    return f"python -m faults --seed {seed} --only {verdict.case}"


def _table(console: Console, verdicts: Sequence[Verdict], first: str, of: Callable[[Verdict], str], prose: dict[str, str]) -> None:
    made = Table(box=None, pad_edge=False, header_style="bold")
    made.add_column(first, no_wrap=True)
    for heading in HEADINGS:
        made.add_column(heading, justify="right")
    made.add_column("what it is")
    rows = [(name, [each for each in verdicts if of(each) == name]) for name in prose]
    for name, those in [*((name, those) for name, those in rows if those), ("all", list(verdicts))]:
        made.add_row(name, *(str(count) for count in counts(those).values()), prose.get(name, ""))
    console.print(made)
    console.print()


def counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many faults were injected, survived, lost something, were skipped, and left files behind."""
    fates = [each.fate for each in verdicts]
    return {
        "injected": len(fates) - fates.count("skipped"),
        "survived": fates.count("survived"),
        "lost": fates.count("lost"),
        "skipped": fates.count("skipped"),
        "untidy": sum(bool(each.litter) for each in verdicts),
    }
