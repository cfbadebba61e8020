"""Labelled impressions for the cases of rankers, as arrays that all sides read: a real log, and logs of Criteo's shape.

The arrays are `train_ids` and `test_ids`, int32 (rows, fields), and `train_label` and `test_label`, float32 (rows,). The ids of a field are
below its size, which the facts say; 0 is a value that training never saw.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from bench.peers.case import Alike, Case, Facts, Size, Target, Work
from bench.peers.logs import numbered, published

NUMBERS, BINS = 13, 50
CATEGORIES = (
    *(1_460, 583, 10_131_227, 2_202_608, 305, 24, 12_517, 633, 3, 93_145, 5_683, 8_351_593, 3_194),
    *(27, 14_992, 5_461_306, 10, 5_652, 2_173, 4, 7_046_547, 18, 15, 286_181, 105, 142_572),
)
"""How many values each of Criteo's categories has."""
FEW = 10_000
HELD_OUT = 50_000
COUNTED = 1_000_000
"""Rows that the seconds are told for."""
SETTINGS = {"width": 16, "layers": [400, 400, 400], "batch": 4096, "rate": 0.001, "l2": 1e-5, "clip": 10.0, "std": 0.01}
"""Of every side: width of the vectors, hidden layers, rows a step, learning rate, L2 term of the tables (half of it times the squares),
largest norm of the gradients where a side clips them, deviation that tables begin with. There is no dropout."""


def criteo_sizes(ids: int) -> list[int]:
    """How many ids each field has: the numbers in bins, and categories of many values share what the others leave of `ids`."""
    few = [size for size in CATEGORIES if size <= FEW]
    share = (ids - NUMBERS * BINS - sum(few)) / (sum(CATEGORIES) - sum(few))
    return [BINS] * NUMBERS + [size if size <= FEW else int(size * share) for size in CATEGORIES]


def write_criteo_like(ids: int, rows: int, folder: Path) -> Facts:
    """Rows of Criteo's shape: an id's frequency is about as the inverse of its number, but each occurs once at least in training.

    The odds of a click are the product of what each id counts, which is drawn beforehand, so that there is something to learn.
    """
    draw = np.random.default_rng(0)
    sizes, count = criteo_sizes(ids), rows + HELD_OUT
    columns = np.empty((count, len(sizes)), dtype=np.int32)
    logits = np.full(count, -1.5)
    for field, size in enumerate(sizes):
        column = np.minimum(np.exp(draw.random(count) * np.log(size + 1)).astype(np.int32), size)
        column[draw.choice(rows, size, replace=False)] = np.arange(1, size + 1, dtype=np.int32)
        columns[:, field] = column
        logits += draw.normal(0, 0.3, size + 1)[column]
    label = (draw.random(count) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    return _write(folder, (columns[:rows], label[:rows]), (columns[rows:], label[rows:]), [size + 1 for size in sizes])


def write_frappe(folder: Path) -> Facts:
    """Frappe: usage of apps, by user, app and eight circumstances."""
    train, test = (published("frappe", f"frappe.{part}.inter") for part in ("train", "test"))
    sides: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    sizes = []
    for name in train:
        if name == "label":
            continue
        ids = numbered(train[name]) + 1
        known = dict(zip(train[name], ids.tolist(), strict=True))
        sides["train"].append(ids)
        sides["test"].append(np.array([known.get(value, 0) for value in test[name]]))
        sizes.append(int(ids.max()) + 1)
    parts = [
        (np.column_stack(sides[part]).astype(np.int32), np.array(table["label"], dtype=np.float32))
        for part, table in (("train", train), ("test", test))
    ]
    return _write(folder, parts[0], parts[1], sizes)


def write(size: Size, folder: Path) -> Facts:
    """The files of a size."""
    if size.words["data"] == "frappe":
        return write_frappe(folder)
    return write_criteo_like(size.words["ids"], size.words["rows"], folder)


def multiplications(facts: Facts) -> int:
    """Of the deep network, for a row, forth."""
    widths = [facts["fields"] * SETTINGS["width"], *SETTINGS["layers"], 1]
    return sum(before * after for before, after in pairwise(widths))


def work(facts: Facts, others: int, words: str) -> Work:
    """The floor of training on the rows that are counted.

    Args:
        facts: of the files.
        others: multiplications for a row, forth, beside those of the deep network.
        words: what the others are.
    """
    bytes_of_row = 4 * facts["fields"] * (SETTINGS["width"] + 1)
    return Work(
        6 * (multiplications(facts) + others) * COUNTED,
        2 * bytes_of_row * COUNTED,
        f"the products of the deep network{words}, forth, and twice as many back; the vectors of the rows read and written once",
    )


def case(name: str, title: str, others: tuple[str, int], targets: tuple[Target, ...]) -> Case:
    """The case of a ranker.

    Args:
        name: of case and scripts.
        title: one line.
        others: products beside those of the deep network, in words, and how many squares of the concatenated vectors' width they are.
        targets: to reach.
    """

    def floor(facts: Facts) -> Work:
        return work(facts, others[1] * (facts["fields"] * SETTINGS["width"]) ** 2, others[0])

    # `round` steps (0: an epoch) are trained to warm up, then `measured` times as many are measured.
    return Case(
        name=name,
        title=title,
        measured="seconds of training, loader and all, for 1,000,000 rows",
        sizes=(
            Size("frappe", {"data": "frappe", "round": 0, "measured": 7, **SETTINGS}, rounds=3),
            Size("100k", {"data": "criteo", "ids": 100_000, "rows": 300_000, "round": 10, "measured": 6, **SETTINGS}, rounds=3),
            Size("1M", {"data": "criteo", "ids": 1_000_000, "rows": 1_000_000, "round": 10, "measured": 16, **SETTINGS}, rounds=3),
        ),
        sides=("turret", "fuxictr", "deepctr-torch", "torch-rechub"),
        script=name,
        write=write,
        work=floor,
        alike=(Alike("auc", 0.01),),
        grows="rows",
        targets=targets,
    )


def _write(folder: Path, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], sizes: list[int]) -> Facts:
    for part, (ids, label) in (("train", train), ("test", test)):
        np.save(folder / f"{part}_ids.npy", ids)
        np.save(folder / f"{part}_label.npy", label)
    return {"rows": len(train[1]), "test_rows": len(test[1]), "fields": len(sizes), "ids": sum(sizes), "sizes": sizes}
