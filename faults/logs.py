"""The logs that subjects read, made by `turret data simulate`."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

Run = Callable[[Sequence[str]], None]
"""Runs a command line of `turret`."""

DESCRIBED = "described.yaml"
SIZE = ("--users", "300", "--items", "400", "--interactions", "12000")


def _simulated(kind: str, *size: str) -> Callable[[Path, Run], None]:
    return lambda folder, run: run(["data", "simulate", str(folder), "--log", kind, *size])


def _tasks(folder: Path, run: Run) -> None:
    """Impressions with two labels: clicked, and a purchase of every third clicked one."""
    made = folder.with_name(f"{folder.name}-clicks")
    run(["data", "simulate", str(made), "--log", "clicks", *SIZE])
    folder.mkdir()
    with (made / f"{made.name}.inter").open() as file, (folder / "tasks.csv").open("w", newline="") as out:
        rows, table = csv.DictReader(file, delimiter="\t"), csv.writer(out)
        table.writerow(["user_id", "item_id", "timestamp", "position", "clicked", "bought"])
        for number, row in enumerate(rows):
            clicked = int(row["label:float"])
            bought = int(clicked and number % 3 == 0)
            table.writerow([row["user_id:token"], row["item_id:token"], row["timestamp:float"], row["position:token"], clicked, bought])
    (folder / DESCRIBED).write_text(
        "path: tasks.csv\nsource:\n  columns: {clicked: label, bought: label, position: token}\nsplit:\n  split_mode: entry\n"
    )
    shutil.rmtree(made)


def _plain(folder: Path, run: Run) -> None:
    """Ratings alone, without a table of users or items: a dataset of few files."""
    made = folder.with_name(f"{folder.name}-ratings")
    run(["data", "simulate", str(made), *SIZE])
    folder.mkdir()
    (made / f"{made.name}.inter").rename(folder / "plain.inter")
    shutil.rmtree(made)


LOGS: dict[str, Callable[[Path, Run], None]] = {
    "plain": _plain,
    "ratings": _simulated("ratings", *SIZE),
    "clicks": _simulated("clicks", *SIZE),
    "ads": _simulated("criteo", "--rows", "6000"),
    "tasks": _tasks,
}


def path_of(folder: Path) -> Path:
    """What DATASET of a command line is for the log in a folder."""
    described = folder / DESCRIBED
    return described if described.exists() else folder
