"""Where text goes: a terminal of its own width, or a log whose lines are long.

Much of it comes from files: tokens, titles, names of columns. It is shown as it is, and nothing in it is obeyed: no control character
reaches the terminal, where one could rename the window, move the cursor or hide what follows, and no markup is read.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

LOG_WIDTH = 160
HARMLESS = "\n\t"
ORDERING = frozenset("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Ends of lines that are none of ours, and what turns the order of the characters after it."""


def printable(text: str) -> str:
    """A text with its control characters, and what else would be obeyed and not shown, as Python writes them: `\\x1b` for an escape.

    So are halves of characters, which no terminal can be sent: names of files that are no UTF-8 have them.
    """
    if text.isprintable():
        return text
    return "".join(repr(each)[1:-1] if _obeyed(each) else each for each in text)


def printable_json(found: Mapping[str, Any]) -> str:
    """An object as JSON, for people too: the same characters are escaped, by which nothing changes for whoever reads it."""
    text = json.dumps(found, indent=2, ensure_ascii=False)
    return "".join(f"\\u{ord(each):04x}" if _obeyed(each) else each for each in text)


def _obeyed(each: str) -> bool:
    return each not in HARMLESS and (unicodedata.category(each) in ("Cc", "Cs") or each in ORDERING)


class Screen(Console):
    """A console that shows every text as `printable` has it, whether it is printed by itself or in a table."""

    def render_str(self, text: str, **said: Any) -> Text:
        """A text, ready to be measured and shown."""
        return super().render_str(printable(text), **{**said, "markup": False, "emoji": False})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The pieces of whatever is shown; those that the console itself makes of styles are no text yet."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else Segment(printable(piece.text), piece.style)


def screen(*, stderr: bool = False) -> Console:
    """The standard output, or the standard error."""
    stream = sys.stderr if stderr else sys.stdout
    return Screen(highlight=False, stderr=stderr, width=None if stream.isatty() else LOG_WIDTH)


def line(console: Console, text: str) -> None:
    """Prints one line as it is, however long."""
    console.print(text, soft_wrap=True)


def table(first: str, *others: str, right: bool = True) -> Table:
    """An empty table with a column for each heading; all but the first are aligned to the right, or none."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    made.add_column(first, no_wrap=True)
    for heading in others:
        made.add_column(heading, justify="right" if right else "left")
    return made
