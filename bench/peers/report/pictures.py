"""The pictures: how many times as fast, seconds over size, memory over size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from bench.peers.case import TURRET
from bench.peers.report.summary import Entry, Row

FASTER, SLOWER, UNEQUAL, FLOOR = "#0072B2", "#D55E00", "#BBBBBB", "#666666"
COLOURS = {
    TURRET: "#000000",
    "recbole": "#D55E00",
    "rectools": "#0072B2",
    "implicit": "#009E73",
    "lightfm": "#CC79A7",
    "pandas": "#56B4E9",
    "ranx": "#E69F00",
    "deepctr-torch": "#56B4E9",
    "fuxictr": "#009E73",
    "torch-rechub": "#CC79A7",
}
"""Of Okabe and Ito's palette, which the colour-blind can tell apart; libraries that share one are in no case together."""
MARKERS = dict(zip(COLOURS, "osD^vPX<h>", strict=True))
ACROSS = 3
RESOLUTION = 120


@dataclass(frozen=True)
class Picture:
    """A PNG file, and what it shows."""

    path: Path
    title: str
    words: str


def pictures(entries: Sequence[Entry], folder: Path) -> list[Picture]:
    """Draws what there is to draw."""
    if not entries:
        return []
    with matplotlib.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11}):
        return [
            *_overview(entries, folder / "overview.png"),
            _grid(
                entries,
                folder / "seconds.png",
                "Seconds over size",
                "Medians, with the least and the most of all rounds as bars. The dashed line is the floor. Both axes are logarithmic.",
                "seconds",
                lambda row: row.seconds,
            ),
            _grid(
                entries,
                folder / "memory.png",
                "Peak memory over size",
                "Of the whole process, libraries and input with it. Both axes are logarithmic.",
                "MB",
                lambda row: None if row.peak is None else row.peak / 1e6,
            ),
        ]


def _overview(entries: Sequence[Entry], path: Path) -> list[Picture]:
    """A bar for each case and library, at the largest size that both did."""
    groups = [(case, _largest(list(group))) for case, group in groupby(entries, key=lambda entry: entry.case)]
    groups = [(case, bars) for case, bars in groups if bars]
    if not groups:
        return []
    places: list[float] = []
    names: list[str] = []
    titles: list[int] = []
    place = 0.0
    reached = [row.times for _, bars in groups for _, row in bars if row.times is not None]
    least, most = min([1.0, *reached]) / 1.6, max([1.0, *reached]) * 3.5
    lines = sum(len(bars) + 1.3 for _, bars in groups)
    figure = Figure(figsize=(9, 1.1 + 0.3 * lines), dpi=RESOLUTION, layout="constrained")
    axes = figure.subplots()
    for case, bars in groups:
        titles.append(len(places))
        places.append(place)
        names.append(case.title)
        for entry, row in bars:
            place += 1
            places.append(place)
            names.append(f"{row.side}, {entry.size}")
            _bar(axes, place, row)
        place += 1.3
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(least, most)
    axes.set_ylim(place - 0.3, -0.7)
    axes.set_yticks(places, names)
    for number in titles:
        axes.get_yticklabels()[number].set_weight("bold")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("how many times as fast Turret is")
    figure.savefig(path)
    words = (
        "The other library's median over Turret's, at the largest size that both did, on a logarithmic axis. Blue: Turret is faster; "
        "orange: it is slower; grey and hatched: the results are not equally good, so the ratio compares different things."
    )
    return [Picture(path, "How many times as fast Turret is", words)]


def _bar(axes: Any, place: float, row: Row) -> None:
    if row.times is None:
        axes.text(1, place, "  did not run", va="center", color=FLOOR, style="italic")
        return
    colour, hatch = (UNEQUAL, "///") if row.unequal else (FASTER if row.times >= 1 else SLOWER, "")
    axes.barh(place, row.times - 1, left=1, height=0.72, color=colour, hatch=hatch, edgecolor="white", linewidth=0)
    axes.text(max(row.times, 1), place, f"  {row.times:.3g}x", va="center", ha="left")


def _largest(entries: Sequence[Entry]) -> list[tuple[Entry, Row]]:
    """Each peer's row at the largest size at which it has a ratio; without one, at the largest."""
    found: dict[str, tuple[Entry, Row]] = {}
    for entry in entries:
        for row in entry.rows:
            if row.side != TURRET and (row.times is not None or row.side not in found or found[row.side][1].times is None):
                found[row.side] = (entry, row)
    return list(found.values())


def _grid(entries: Sequence[Entry], path: Path, title: str, words: str, unit: str, value: Callable[[Row], float | None]) -> Picture:
    """Small multiples: a panel for each case, a line for each library."""
    cases = [(case, list(group)) for case, group in groupby(entries, key=lambda entry: entry.case)]
    across = min(ACROSS, len(cases))
    down = -(-len(cases) // across)
    figure = Figure(figsize=(3.9 * across + 0.4, 3.1 * down + 0.8), dpi=RESOLUTION, layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    shown: dict[str, Any] = {}
    for axes, (case, sizes) in zip(panels, cases, strict=False):
        for name in dict.fromkeys(row.side for entry in sizes for row in entry.rows):
            points = [(entry.amount, at, row) for entry in sizes if (row := entry.row(name)) and (at := value(row)) is not None]
            if points:
                shown.setdefault(name, _line(axes, name, points, unit == "seconds"))
        if unit == "seconds" and (floors := [(entry.amount, entry.floor) for entry in sizes if entry.floor]):
            (line,) = axes.plot(*zip(*floors, strict=True), color=FLOOR, linestyle="--", linewidth=1.2, marker="_")
            shown.setdefault("floor", line)
        _scaled(axes, sizes, case.grows)
        axes.set_title(case.title)
    for axes in panels[len(cases) :]:
        axes.set_axis_off()
    for axes in panels[::across]:
        axes.set_ylabel(unit)
    names = sorted(shown, key=lambda name: (name == "floor", list(COLOURS).index(name) if name in COLOURS else len(COLOURS)))
    figure.legend([shown[name] for name in names], names, loc="outside lower center", ncols=min(6, len(names)), frameon=False)
    figure.savefig(path)
    return Picture(path, title, words)


def _line(axes: Any, name: str, points: Iterable[tuple[float, float, Row]], spread: bool) -> Any:
    points = list(points)
    x, y = [point[0] for point in points], [point[1] for point in points]
    colour, marker = COLOURS.get(name, FLOOR), MARKERS.get(name, "*")
    if spread:
        lows, highs = zip(*(row.spread or (at, at) for _, at, row in points), strict=True)
        axes.vlines(x, lows, highs, color=colour, linewidth=1)
    (line,) = axes.plot(x, y, color=colour, marker=marker, markersize=5, linewidth=2.2 if name == TURRET else 1.5)
    return line


def _scaled(axes: Any, sizes: Sequence[Entry], grows: str) -> None:
    """Logarithmic axes, whose ticks are the sizes' names, and plain numbers."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    amounts = [entry.amount for entry in sizes]
    axes.set_xticks(amounts, [entry.size for entry in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(min(amounts) / 1.6, max(amounts) * 1.6)
    low, high = axes.get_ylim()
    axes.set_ylim(low / 1.2, high * 1.2)
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(FixedLocator(_ticks(low, high)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(grows)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between both: the fewest of a decade that make three."""
    found: list[float] = []
    for heads in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7), np.arange(1, 10, 0.1).round(1)):
        found = [float(head) * 10.0**power for power in range(-9, 16) for head in heads if low <= head * 10.0**power <= high]
        if len(found) >= 3:
            break
    return found
