"""What the commands show: bars in a terminal, plain lines in a log, tables at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from turret.api import Recommendation, Run
from turret.cli.screen import line, printable_json, table
from turret.core.contracts import Progress as Round
from turret.core.files import write_atomically
from turret.data.prepared import Prepared
from turret.evaluation.evaluated import Evaluated
from turret.evaluation.groups import ITEM_POPULARITY, USER_ACTIVITY
from turret.evaluation.significance import Comparison
from turret.index.recall import Recall

KINDS = (USER_ACTIVITY, ITEM_POPULARITY)
COUNTS = ("users", "impressions")
"""What a group reports that is no metric."""
LINES_APART = 10.0
"""Seconds between the lines of a log that shows little."""


class Training:
    """Shows a training as it goes.

    Args:
        console: where.
        detail: every round and every step, not only now and then.

    Attributes:
        run: what is trained, once that has begun.
    """

    def __init__(self, console: Console, detail: bool) -> None:
        self.console, self.detail = console, detail
        self.run: Run | None = None
        self._bar: Progress | None = None
        self._shown = time.monotonic()

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def say(self, text: str) -> None:
        """What is being done."""
        if text == "testing":
            self.close()
        if self.detail:
            line(self.console, text)

    def begins(self, run: Run, seconds: float) -> None:
        """The dataset, and where the run goes."""
        self.run = run
        dataset(self.console, run.prepared, self.detail)
        if self.detail:
            settings(self.console, run)
        line(self.console, f"run: {run.path}")
        rounds = getattr(getattr(run.job.config, "training", None), "epochs", None)
        if self.console.is_terminal and rounds:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=self.console, transient=True)
            self._bar.add_task("training", total=rounds)
            self._bar.start()

    def round(self, progress: Round, measures: Mapping[str, float]) -> None:
        """One round's measures."""
        words = [f"{name} {value:.4f}" for name, value in {**progress.measures, **measures}.items()]
        text = f"epoch {progress.round:>3}  {'  '.join(words)}  {progress.seconds:.2f} s"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=progress.round, description="  ".join(words))
        if self.detail or (self._bar is None and time.monotonic() - self._shown > LINES_APART):
            self._shown = time.monotonic()
            line(self.console, text)


def dataset(console: Console, prepared: Prepared, detail: bool) -> None:
    """What the dataset holds, and with `detail` what became of the log on the way."""
    parts = ", ".join(f"{name} {len(part.interactions):,}" for name, part in prepared.parts.items() if len(part.interactions))
    named = {"users": prepared.n_users, "items": prepared.n_items}
    sizes = ", ".join(f"{n:,} {side}" for side, n in named.items() if n)
    line(console, f"{prepared.name}: {f'{sizes}; ' if sizes else ''}{parts} interactions")
    later_users, later_items = len(prepared.users.vocabulary) - prepared.n_users, len(prepared.items.vocabulary) - prepared.n_items
    if (later_users or later_items) and all(named.values()):
        line(console, f"only in later parts: {later_users:,} users, {later_items:,} items (training never sees them)")
    if detail:
        for entry in prepared.report:
            line(console, f"  {entry}")
        for name, value in prepared.statistics.items():
            line(console, f"  {name}: {number(value) if value % 1 else format(int(value), ',')}")


def settings(console: Console, run: Run) -> None:
    """Everything that is set."""
    line(console, "settings:")
    for name, value in _leaves(run.job.nested()):
        line(console, f"  {name}: {value}")


def measures(console: Console, label: str, found: Evaluated, beside: Mapping[str, Mapping[str, float]], detail: bool) -> None:
    """The metrics with their intervals, next to those of others, and the slices; with `detail` also by group, and who was counted."""
    if not found.metrics:
        line(console, f"the {found.part} part has nothing that {label} could be measured by")
    shown = table(found.part, label, *(["95 % interval"] if found.intervals else []), *beside)
    for name, value in found.metrics.items():
        low, high = found.intervals.get(name, (None, None))
        interval = [] if not found.intervals else [f"{number(low)} to {number(high)}" if low is not None else ""]
        shown.add_row(name, number(value), *interval, *(number(others[name]) if name in others else "" for others in beside.values()))
    if found.metrics:
        console.print(shown)
    for kind, groups in found.groups.items():
        if detail or kind not in KINDS:
            _groups(console, kind.replace("_", " ") if kind in KINDS else kind, groups)
    if detail:
        console.print()
    _audience(console, found, detail)
    if found.index is not None:
        index(console, found.index)


def index(console: Console, found: Recall) -> None:
    """How much of the exact lists an index finds, and how fast."""
    if not found.queries:
        line(console, f"{found.index} index: nothing was asked of it")
        return
    times = found.per_second / found.exact_per_second
    line(
        console,
        f"{found.index} index: recall@{found.k} {number(found.recall)} of exact search, {found.per_second:,.0f} queries a second, "
        f"{times:,.1f} times as many ({found.queries:,} queries)",
    )


def index_figures(found: Recall | None) -> dict[str, Any]:
    """The same under flat names; nothing where no index was asked."""
    return {} if found is None or not found.queries else {f"index.{name}": value for name, value in asdict(found).items()}


def _groups(console: Console, kind: str, groups: Mapping[str, Mapping[str, float]]) -> None:
    names = list(dict.fromkeys(name for values in groups.values() for name in values))
    shown = table(kind, *names)
    for group, values in groups.items():
        shown.add_row(Text(group), *(f"{values[name]:,.0f}" if name in COUNTS else number(values.get(name)) for name in names))
    console.print()
    console.print(shown)


def _audience(console: Console, found: Evaluated, detail: bool) -> None:
    audience, of_impressions = found.audience, found.protocol == "impressions"
    if detail:
        users = f"{audience.users:,} users, " if audience.users else ""
        line(console, f"{users}{audience.truths:,} {'impressions' if of_impressions else 'right items'}")
    missed = "right items were never seen in training and count as missed"
    notes = {
        "users, whom training never saw, could not be served and are left out": audience.unserved,
        "users had no history": audience.without_history,
        "impressions are of items that training never saw" if of_impressions else missed: audience.truths_unseen,
        "right items are left out, since their users had them before": audience.truths_known,
    }
    for note, count in notes.items():
        if count:
            line(console, f"{count:,} {note}")


def recommendations(console: Console, whom: str, found: Sequence[Recommendation]) -> None:
    """A ranked list."""
    titled = any(each.title for each in found)
    shown = table("", "item", "score")
    if titled:
        shown.add_column("title")
    for place, each in enumerate(found, start=1):
        shown.add_row(str(place), each.item, number(each.score), *([each.title or ""] if titled else []))
    line(console, f"recommended to {whom}:")
    console.print(shown)


def reasons(console: Console, found: Iterable[Recommendation]) -> None:
    """The paths that lead to each recommended item, each with its weight."""
    for each in found:
        line(console, f"\n{each.item}{f' ({each.title})' if each.title else ''}:" + ("" if each.why else " no path leads to it"))
        for reason in each.why:
            line(console, f"  {reason.weight:.3g}  {reason}")


def comparisons(console: Console, names: tuple[str, str], found: Iterable[Comparison]) -> None:
    """The metrics of two runs, their differences, and how likely chance alone makes these."""
    shown = table("test", *names, "difference", "95 % interval", "p (t-test)", "p (randomisation)", "users")
    for each in found:
        interval = "" if each.interval is None else f"{each.interval[0]:+.4f} to {each.interval[1]:+.4f}"
        cells = (
            number(each.first),
            number(each.second),
            f"{each.difference:+.4f}",
            interval,
            f"{each.t_test:.4f}",
            f"{each.randomisation:.4f}",
        )
        shown.add_row(each.metric, *cells, f"{each.users:,}")
    console.print(shown)


def write_json(found: Mapping[str, Any], path: Path | None) -> None:
    """Writes one JSON object to a file, or to the standard output for `-`; nothing where there is no path.

    Raises:
        TurretError: the file cannot be written.
    """
    if path is None:
        return
    text = printable_json(found) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
        return
    write_atomically(path, lambda place: place.write_text(text, encoding="utf-8"))


def number(value: float | None) -> str:
    """Four digits behind the point."""
    return "" if value is None else f"{value:.4f}"


def _leaves(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
