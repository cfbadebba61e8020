"""Steps a second of DeepFM or DCNv2 on Criteo-shaped ids, and on a hundred times as many table rows.

    OMP_WAIT_POLICY=PASSIVE python bench/ctr_large_tables.py

39 categorical fields of Criteo's proportions (the 13 numbers in 50 bins each) with 1,000,000 ids in all, each of which occurs, frequent
ones as by Zipf's law; vectors of width 8, layers 400-400-400, batch 4,096. The rows go the whole way: a file, `prepare`,
`ImpressionBatches` of the prepared dataset (shuffled anew each epoch) and `Gradient`, with row-wise Adam for the tables. For
100,000,000 ids each field is a hundred times as large, and the ids of the same rows are multiplied. Each measurement is a process of its
own. Prints medians over the rounds: rows a second, and the share of the time in which training waited for a batch. `bench/peers` has other
libraries beside Turret.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import torch

from turret.api import prepare
from turret.batches.impressions import ImpressionBatches
from turret.core.context import Impressions
from turret.core.features import Schema
from turret.core.seeds import numpy_generator
from turret.data.prepared import Prepared
from turret.losses.pointwise import LOSSES
from turret.models.ranking.dcnv2 import DCNv2
from turret.models.ranking.deepfm import DeepFM
from turret.training.config import Training
from turret.training.objectives.pointwise import Pointwise
from turret.training.procedures import Gradient

NUMBERS, BINS, IDS = 13, 50, 1_000_000
CATEGORIES = (
    *(1_460, 583, 10_131_227, 2_202_608, 305, 24, 12_517, 633, 3, 93_145, 5_683, 8_351_593, 3_194),
    *(27, 14_992, 5_461_306, 10, 5_652, 2_173, 4, 7_046_547, 18, 15, 286_181, 105, 142_572),
)
"""How many values each of Criteo's categories has."""
LAYERS, BATCH, HELD_OUT = (400, 400, 400), 4096, 4096
LARGER = 100
DIM = 8


def sizes() -> list[int]:
    """How many ids each field has: categories of more than 10,000 values share what the others leave of `IDS`."""
    few = [size for size in CATEGORIES if size <= 10_000]
    share = (IDS - NUMBERS * BINS - sum(few)) / (sum(CATEGORIES) - sum(few))
    return [BINS] * NUMBERS + [size if size <= 10_000 else int(size * share) for size in CATEGORIES]


def rows(count: int) -> dict[str, Any]:
    """Ids of each field and labels. An id's frequency is about as the inverse of its number, but each occurs once at least."""
    random = numpy_generator(0, "rows")
    columns: dict[str, Any] = {}
    for field, size in enumerate(sizes(), 1):
        ids = np.minimum(np.exp(random.random(count) * np.log(size + 1)).astype(np.int32), size) - 1
        ids[random.choice(count - 2 * HELD_OUT, size, replace=False)] = np.arange(size, dtype=np.int32)
        columns[f"C{field}"] = ids
    columns["label"] = (random.random(count) < 0.25).astype(np.float32)
    return columns


def write(folder: Path, count: int) -> None:
    """The rows as a file."""
    columns = rows(count)  # noqa: F841, which the engine reads by its name
    duckdb.sql(f"COPY (SELECT * FROM columns) TO '{folder / 'train.parquet'}' (FORMAT parquet)")


def prepared(folder: Path) -> Prepared:
    """The dataset as `prepare` makes it; made once."""
    columns = {f"C{field}": "token" for field in range(1, NUMBERS + len(CATEGORIES) + 1)} | {"label": "label"}
    return prepare(folder / "train.parquet", columns=columns, split_mode="count", split_count=(HELD_OUT, HELD_OUT))


class Timed:
    """Batches, and how long they were waited for; with `factor`, of a vocabulary that is so many times as large."""

    def __init__(self, batches: ImpressionBatches, factor: int) -> None:
        self.batches, self.factor, self.waited = batches, factor, 0.0

    @property
    def schema(self) -> Schema:
        """What the batches consist of."""
        found = self.batches.schema
        return replace(found, categorical=tuple(replace(feature, size=feature.size * self.factor) for feature in found.categorical))

    def steps(self) -> int:
        """How many batches an epoch has."""
        return self.batches.steps()

    def epoch(self, generator: torch.Generator) -> Iterator[Impressions]:
        """Those of `ImpressionBatches`."""
        start = time.perf_counter()
        for batch in self.batches.epoch(generator):
            if self.factor > 1:
                batch = replace(batch, tokens=batch.tokens * self.factor)
            self.waited += time.perf_counter() - start
            yield batch
            start = time.perf_counter()


def measure(options: argparse.Namespace) -> dict[str, float]:
    """One measurement, in this process: rounds of `--steps` steps, of which the first is not counted."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    batches = Timed(ImpressionBatches(prepared(options.folder), BATCH), options.factor)
    if options.model == "deepfm":
        model: Any = DeepFM(batches.schema, DIM, LAYERS, options.dropout, 0.0001)
    else:
        model = DCNv2(batches.schema, DIM, 2, "parallel", None, 1, LAYERS, options.dropout, False, 0.0001)
    training = Training(
        epochs=100,
        round_steps=options.steps,
        batch_size=BATCH,
        learner="sparse_adam",
        embedding_decay=options.l2,
        grad_clip_norm=options.clip or None,
    )
    objective = Pointwise(LOSSES["binary_cross_entropy"], products=getattr(torch, options.products))
    fit = Gradient(batches, objective, training).fit(model, 0, torch.device("cpu"))
    next(fit)
    batches.waited, start, worked = 0.0, time.perf_counter(), time.process_time()
    next(fit)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    done = options.steps * BATCH
    return {"rows_per_second": done / seconds, "rows_per_cpu_second": done / worked, "waiting": batches.waited / seconds}


def ran(command: list[str]) -> dict[str, float]:
    """What a measurement in a process of its own printed last."""
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return found


def apart(options: argparse.Namespace, factor: int) -> dict[str, float]:
    """A measurement in a process of its own."""
    names = ("folder", "steps", "threads", "model", "products", "dropout", "l2", "clip")
    said = {"factor": factor} | {name: getattr(options, name) for name in names}
    command = [sys.executable, __file__, "measure", *(f"--{name}={value}" for name, value in said.items())]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return found


def medians(found: list[dict[str, float]]) -> dict[str, float]:
    """Each figure's median over the rounds."""
    return {name: float(np.median([figures[name] for figures in found])) for name in found[0]}


def shown(name: str, found: list[dict[str, float]], base: list[dict[str, float]]) -> str:
    """A line, with how many times as fast as `base` it is."""
    figures = medians(found)
    times = figures["rows_per_second"] / medians(base)["rows_per_second"]
    return (
        f"{name:24} {figures['rows_per_second']:9,.0f} rows/s   {figures['rows_per_second'] / BATCH:7.2f} steps/s   "
        f"{figures['rows_per_cpu_second']:9,.0f} rows/CPU s   waiting {figures['waiting']:6.2%}   {times:5.2f} times"
    )


def compare(options: argparse.Namespace) -> None:
    """Few and many table rows, turn by turn."""
    factors: dict[int, list[dict[str, float]]] = {1: [], LARGER: []}
    for _ in range(options.rounds):
        for factor, found in factors.items():
            found.append(apart(options, factor))
    print(f"{options.model}, width {DIM}, {options.products}, {options.rounds} rounds of {options.steps} steps")
    for factor, found in factors.items():
        print(shown(f"{IDS * factor:,} ids", found, factors[1]), flush=True)


def main() -> None:
    """Writes the data, unless it is there, and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", choices=["compare", "measure"], nargs="?", default="compare")
    parser.add_argument("--model", choices=["deepfm", "dcnv2"], default="deepfm")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "ctr_large_tables", help="holds the data")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=240, help="steps of a measurement, after as many that are not counted")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--l2", type=float, default=1e-5)
    parser.add_argument("--clip", type=float, default=10.0, help="largest norm of all gradients together; 0 leaves them")
    parser.add_argument("--products", choices=["float32", "bfloat16"], default="bfloat16")
    parser.add_argument("--factor", type=int, default=1, help="of `measure`")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if not (options.folder / "train.parquet").exists():
        write(options.folder, options.rows)
    if options.do == "measure":
        print(json.dumps(measure(options)))
    else:
        compare(options)


if __name__ == "__main__":
    main()
