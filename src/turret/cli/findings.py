"""What `turret data check` shows: the findings one under another, what could not be checked at the end."""

from __future__ import annotations

from collections import Counter
from textwrap import fill

from rich.console import Console
from rich.text import Text

from turret.api.checking import Checked
from turret.checks.finding import Finding, Verdict
from turret.cli.screen import line

TOGETHER = "\N{NO-BREAK SPACE}"
STYLE: dict[Verdict, str] = {"warning": "bold red", "note": "bold yellow", "ok": "bold green"}
SEVERAL: dict[Verdict, str] = {"warning": "warnings", "note": "notes"}


def show(console: Console, checked: Checked) -> None:
    """Every finding, then what does not apply, then how many there are of each kind."""
    for finding in checked:
        if finding.verdict in STYLE:
            _one(console, finding)
    absent = [finding for finding in checked if finding.verdict not in STYLE]
    if absent:
        console.print("\nnot applicable", style="bold", markup=False)
        _lines(console, {finding.name: finding.found for finding in absent})
    if checked.notes:
        console.print()
    for note in checked.notes:
        line(console, note)
    counts = Counter(finding.verdict for finding in checked)
    kinds: tuple[Verdict, ...] = (*STYLE, "not applicable")
    said = (f"{n} {kind if n == 1 else SEVERAL.get(kind, kind)}" for kind in kinds if (n := counts[kind]))
    line(console, f"\n{', '.join(said)}")


def _one(console: Console, finding: Finding) -> None:
    console.print()
    console.print(Text.assemble((finding.verdict, STYLE[finding.verdict]), " ", (finding.name, "bold")))
    _lines(console, {"found": finding.found, "effect": finding.effect, "do": finding.advice})


def _lines(console: Console, said: dict[str, str]) -> None:
    """Texts beside what they are called, wrapped to the width."""
    width = max(len(name) for name in said) + 4
    for name, text in said.items():
        if text:
            first, rest = f"  {name}".ljust(width), " " * width
            kept = text.replace(" %", f"{TOGETHER}%")
            line(
                console,
                fill(kept, console.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False).replace(TOGETHER, " "),
            )
