"""Where text goes: a terminal of its own width, or a log whose lines are long."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

LOG_WIDTH = 160


def screen(*, stderr: bool = False) -> Console:
    """The standard output, or the standard error."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(highlight=False, stderr=stderr, width=None if stream.isatty() else LOG_WIDTH)


def line(console: Console, text: str) -> None:
    """Prints one line as it is, however long."""
    console.print(text, markup=False, soft_wrap=True)


def table(first: str, *others: str, right: bool = True) -> Table:
    """An empty table with a column for each heading; all but the first are aligned to the right, or none."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    made.add_column(first, no_wrap=True)
    for heading in others:
        made.add_column(heading, justify="right" if right else "left")
    return made
