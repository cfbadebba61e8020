"""Pictures of evaluations. matplotlib is an extra, imported when something is drawn; nothing of its global state is touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from turret.core.errors import InputError, UnsupportedError
from turret.evaluation.reliability import Reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MODEL, PALE = "#333333", "#1f5fa8", "#a9c4e4"
INCHES, DOTS = 5.2, 150
"""Width of a panel, and dots an inch."""


def can_draw(path: Path) -> None:
    """Makes sure, before anything is computed, that a picture can be drawn.

    Raises:
        UnsupportedError: matplotlib is not installed.
        InputError: `path` does not end in .png, or has no folder.
    """
    try:
        import matplotlib  # noqa: F401 - only whether it is there
    except ImportError:
        raise UnsupportedError("a plot needs matplotlib, which is not installed\n  pip install 'turret[plots]' brings it.") from None
    if path.suffix.lower() != ".png":
        raise InputError("a plot is a PNG file", path=path, hint="Choose a name that ends in .png.")
    if not path.parent.is_dir():
        raise InputError("there is no such folder", path=path.parent)


def reliability(found: Mapping[str, Reliability], path: Path, title: str = "") -> None:
    """Draws, a panel for each task, the share of ones against the mean prediction of each bin with 95 % intervals, and below it how many
    impressions have which prediction.

    Args:
        found: by task.
        path: of the PNG file.
        title: above all panels.

    Raises:
        UnsupportedError: matplotlib is not installed, or there is nothing to draw.
        InputError: the file cannot be written.
    """
    can_draw(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not found:
        raise UnsupportedError("there is no reliability to draw: the part has no impressions, or its labels are not 0 and 1")
    figure = Figure(figsize=(INCHES * len(found), 6.2), dpi=DOTS, layout="constrained", facecolor="white")
    figure.suptitle(title, fontsize=11, color=INK)
    axes = figure.subplots(2, len(found), squeeze=False, sharex="col", height_ratios=(3, 1))
    for column, (task, one) in enumerate(found.items()):
        _panel(axes[0, column], one, task if len(found) > 1 else "")
        _histogram(axes[1, column], one)
    FigureCanvasAgg(figure)
    try:
        with path.open("wb") as file:
            figure.savefig(file, format="png")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=path) from None


def _panel(axes: Axes, one: Reliability, title: str) -> None:
    rows, predicted, observed, low, high = np.array(one.bins).T
    axes.plot([0, one.limit], [0, one.limit], color=INK, linewidth=1, linestyle=(0, (4, 3)), label="perfectly calibrated")
    label = f"{len(rows)} equal bins with 95 % intervals"
    around = [observed - low, high - observed]
    axes.errorbar(predicted, observed, around, color=MODEL, linewidth=1, elinewidth=1.2, marker="o", markersize=4.5, label=label)
    error = np.average(np.abs(predicted - observed), weights=rows)
    ratio = f"calibration {rows @ predicted / (rows @ observed):.3f}, " if observed.any() else ""
    axes.text(0.98, 0.03, f"{ratio}ece {error:.4f}", transform=axes.transAxes, ha="right", va="bottom", fontsize=9, color=INK)
    axes.set(xlim=(0, one.limit), ylim=(0, one.limit), ylabel="observed share of ones")
    axes.set_title(title, fontsize=11, color=INK)
    axes.legend(loc="upper left", fontsize=8.5, frameon=False)
    _plain(axes)


def _histogram(axes: Axes, one: Reliability) -> None:
    counts, edges = np.array(one.histogram), np.linspace(0, one.limit, len(one.histogram) + 1)
    axes.bar(edges[:-1], counts, width=edges[1], align="edge", color=PALE, edgecolor="white", linewidth=0.4)
    axes.set(xlabel="predicted probability", ylabel="impressions")
    axes.yaxis.set_major_formatter(_short)
    axes.locator_params(axis="y", nbins=3)
    if one.beyond:
        note = f"{100 * one.beyond / (one.beyond + counts.sum()):.2g} % lie further right"
        axes.set_title(note, loc="right", fontsize=8, color=INK)
    _plain(axes)


def _short(value: float, _: float) -> str:
    """1200 -> 1.2k."""
    size, unit = (1e6, "M") if value >= 1e6 else (1e3, "k") if value >= 1e3 else (1, "")
    return f"{value / size:g}{unit}"


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9, colors=INK)
