"""How fast impressions come from a prepared dataset and from an LMDB environment, shuffled as in training and in order.

    pip install -e '.[lmdb]'
    python bench/ctr_stores.py --rows 2000000

Simulates rows in Criteo's shape (39 features), prepares them, exports the training part, and reads one epoch from each in turn, without a
model: million rows a second, and bytes on the disk.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

import turret
from turret.api.datasets import folder_of
from turret.batches.impressions import ImpressionBatches
from turret.batches.lmdb_rows import LmdbRows
from turret.core.context import Impressions, Reads
from turret.data.prepared import TRAIN


def seconds(batches: Iterator[Impressions]) -> float:
    """How long all batches take to come."""
    start = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - start


def size(folder: Path) -> float:
    """In MB."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def main() -> None:
    """Measures both, turn by turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--held", type=int, default=1 << 18, help="rows in memory, fewer than there are")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        log = turret.simulate(Path(scratch) / "shown", log="criteo", rows=options.rows)
        prepared = turret.prepare(log, split_mode="entry", split_ratio=(0.98, 0.01, 0.01))
        environment = turret.export(log, lmdb=Path(scratch) / "lmdb", split_mode="entry", split_ratio=(0.98, 0.01, 0.01))
        rows = len(prepared.interactions(TRAIN))
        sources = {"prepared": None, "lmdb": LmdbRows(environment, prepared)}
        print(f"{rows:,} rows; prepared {size(folder_of(prepared)):,.0f} MB (all parts), lmdb {size(environment):,.0f} MB")
        took: dict[tuple[str, str], list[float]] = {}
        for number in range(options.rounds):
            for name, source in sources.items():
                batches = ImpressionBatches(prepared, 4096, TRAIN, Reads(), 1.0, options.held, source)
                generator = torch.Generator().manual_seed(number)
                took.setdefault((name, "shuffled"), []).append(seconds(batches.epoch(generator)))
                took.setdefault((name, "in order"), []).append(seconds(batches.in_order()))
        for (name, order), times in took.items():
            print(f"{name:9} {order:9} {rows / statistics.median(times) / 1e6:6.2f} M rows/s (of {options.rounds}, median)")


if __name__ == "__main__":
    main()
