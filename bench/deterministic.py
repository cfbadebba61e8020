"""What --deterministic costs: training and testing with and without it, in turns, on the same number of threads.

    OMP_NUM_THREADS=2 python bench/deterministic.py
    OMP_NUM_THREADS=2 python bench/deterministic.py --dataset ml-100k --models bpr,ease --rounds 3

The datasets are simulated unless one is named, which the models that rank a catalogue are then trained on. Of several rounds the quickest
counts, for each of the two figures by itself.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import turret

MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "bpr": ("ratings", {"epochs": 5}),
    "lightgcn": ("ratings", {"epochs": 3}),
    "sasrec": ("ratings", {"epochs": 2}),
    "multivae": ("ratings", {"epochs": 5}),
    "ease": ("ratings", {}),
    "wrmf": ("ratings", {}),
    "deepfm": ("clicks", {"epochs": 2}),
}
"""Which log each is trained on, and for how long."""


def seconds(model: str, log: Path, folder: Path, threads: int, deterministic: bool, options: dict[str, Any]) -> tuple[float, float]:
    """Of training and of the test, whose intervals are not what is measured."""
    settings = {"threads": threads, "deterministic": deterministic, "bootstrap_samples": 0, "by_group": False, "early_stop_patience": 0}
    if model in ("ease", "wrmf"):
        del settings["early_stop_patience"]
    run = turret.train(model, log, run_dir=folder, **settings, **options)
    return run.result["seconds.train"], run.result["seconds.test"]


def main() -> None:
    """Prints a row for each model."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--interactions", type=int, default=100_000)
    options.add_argument("--dataset")
    options.add_argument("--models", default=",".join(MODELS))
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder)
        logs: dict[str, Any] = {
            kind: turret.simulate(inside / kind, log=kind, interactions=asked.interactions) for kind in ("ratings", "clicks")
        }
        logs["ratings"] = asked.dataset or logs["ratings"]
        print(f"{asked.threads} threads, best of {asked.rounds}; seconds without, with, and their ratio")
        print(f"{'':10} {'training':^24} {'test':^24}")
        for model in asked.models.split(","):
            kind, own = MODELS[model]
            best = {deterministic: [float("inf")] * 2 for deterministic in (False, True)}
            for number in range(asked.rounds):
                for deterministic in best:
                    run = inside / f"{model}-{deterministic}-{number}"
                    found = seconds(model, logs[kind], run, asked.threads, deterministic, own)
                    best[deterministic] = [min(pair) for pair in zip(best[deterministic], found, strict=True)]
            cells = [f"{without:8.2f} {with_it:8.2f} {with_it / without:6.2f}" for without, with_it in zip(*best.values(), strict=True)]
            print(f"{model:10} {'  '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
