"""The tables, as rows of text that become Markdown or HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from statistics import median

from bench.peers.case import TURRET
from bench.peers.report.summary import Entry, Row, exponent

NOTHING = "–"


@dataclass(frozen=True)
class Table:
    """Rows of text under a title.

    Attributes:
        words: how it is to be read.
        right: whether each column holds numbers, which stand to the right.
        loud: numbers of rows that a reader must not miss.
    """

    title: str
    words: str
    header: Sequence[str]
    right: Sequence[bool]
    rows: Sequence[Sequence[str]]
    loud: frozenset[int] = frozenset()

    def markdown(self) -> str:
        """With columns of one width, so that it can be read as text, too."""
        lines = [[_plain(cell) for cell in row] for row in (self.header, *self.rows)]
        widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(self.header))]
        rule = ["-" * (width - 1) + ":" if right else "-" * width for width, right in zip(widths, self.right, strict=True)]
        text = [self._line(line, widths) for line in (lines[0], rule, *lines[1:])]
        return "\n".join([f"## {self.title}\n", f"{self.words}\n", *text, ""])

    def html(self) -> str:
        """A `table` with its heading."""
        classes = [' class="n"' if right else "" for right in self.right]

        def cells(row: Sequence[str], tag: str) -> str:
            return "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for cell, kind in zip(row, classes, strict=True))

        rows = [f"<tr{' class=loud' if number in self.loud else ''}>{cells(row, 'td')}</tr>" for number, row in enumerate(self.rows)]
        head = f"<thead><tr>{cells(self.header, 'th')}</tr></thead>"
        body = "\n".join(rows)
        return f"<h2>{escape(self.title)}</h2>\n<p>{escape(self.words)}</p>\n<div><table>{head}\n<tbody>\n{body}\n</tbody></table></div>"

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        padded = [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(cells, widths, self.right, strict=True)]
        return f"| {' | '.join(padded)} |"


def measured(entries: Iterable[Entry]) -> Table:
    """All sides at all sizes."""
    columns = {
        "case": False,
        "size": False,
        "library": False,
        "seconds": True,
        "least to most": True,
        "rounds": True,
        "ratio": True,
        "peak MB": True,
        "added MB": True,
        "quality": False,
        "equal quality": False,
        "floor s": True,
        "Turret to floor": True,
        "target": False,
        "remark": False,
    }
    rows, loud = [], set()
    for entry in entries:
        for row in entry.rows:
            if row.unequal or "ERROR" in row.remark or "MISSED" in row.target:
                loud.add(len(rows))
            rows.append(_cells(entry, row))
    words = (
        "Seconds are medians; what they are of is said below, under growth. The ratio is the other's median over Turret's: how many times "
        "as fast Turret is. Memory is that of the whole process at its peak, and what was added to that held when libraries and input were "
        "loaded; targets of memory are about the latter. The floor is the time that a bare matrix product or a bare copy needs for "
        "the least work that there is to do."
    )
    return Table("Measurements", words, list(columns), list(columns.values()), rows, frozenset(loud))


def costs(entries: Sequence[Entry]) -> Table:
    """How seconds grow with the size."""
    rows = []
    for case, group in groupby(entries, key=lambda entry: entry.case):
        sizes = list(group)
        names = dict.fromkeys(row.side for entry in sizes for row in entry.rows)
        for name in names:
            pairs = [(entry.amount, row.seconds) for entry in sizes if (row := entry.row(name)) is not None and row.seconds is not None]
            rows.append([case.title, case.grows, name, *_grown(pairs), case.measured])
        floors = [(entry.amount, entry.floor) for entry in sizes if entry.floor]
        rows.append([case.title, case.grows, "(floor)", *_grown(floors), case.measured])
    words = "Seconds grow as this power of the size: the slope of a line through their logarithms by least squares."
    header = ["case", "grows with", "library", "power", "sizes", "what is measured"]
    return Table("Growth", words, header, [False, False, False, True, True, False], rows)


def machines(entries: Iterable[Entry]) -> Table:
    """What the machine could do while each case was measured."""
    rows = [
        [entry.case.title, entry.size, str(entry.threads), _speeds(entry.operations), _speeds(entry.moved), entry.floor_words]
        for entry in entries
    ]
    words = "What a bare product of float32 matrices and a bare copy (bytes both read and written) reached between the rounds."
    header = ["case", "size", "threads", "GFLOP/s (least to most)", "GB/s (least to most)", "the floor's work"]
    return Table("Machine", words, header, [False, False, True, True, True, False], rows)


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _cells(entry: Entry, row: Row) -> list[str]:
    own = row.side == TURRET
    return [
        entry.case.title,
        entry.size,
        row.side,
        NOTHING if row.seconds is None else number(row.seconds),
        NOTHING if row.spread is None else f"{number(row.spread[0])} to {number(row.spread[1])}",
        str(row.rounds),
        NOTHING if own or row.times is None else f"{number(row.times)}x",
        NOTHING if row.peak is None else f"{row.peak / 1e6:,.0f}",
        NOTHING if row.added is None else f"{row.added / 1e6:,.0f}",
        ", ".join(f"{name} {value:.6g}" if abs(value) < 1e6 else f"{name} {value:.0f}" for name, value in row.quality.items()),
        row.verdict,
        NOTHING if not own or entry.floor is None else number(entry.floor),
        NOTHING if not own or entry.over_floor is None else f"{number(entry.over_floor)}x",
        row.target,
        row.remark,
    ]


def _grown(pairs: Sequence[tuple[float, float]]) -> list[str]:
    power = exponent(*zip(*pairs, strict=True)) if pairs else None
    return [NOTHING if power is None else f"{power:.2f}", str(len(pairs))]


def _speeds(values: Sequence[float]) -> str:
    if not values:
        return NOTHING
    return f"{number(median(values) / 1e9)} ({number(min(values) / 1e9)} to {number(max(values) / 1e9)})"


def _plain(cell: str) -> str:
    """Text that does not end a cell of Markdown, or become HTML there."""
    return " ".join(cell.split()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
