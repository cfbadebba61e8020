"""One pass over a log that is larger than memory should be: rows a second and resident memory, all along it.

    turret simulate or data simulate BIG --log criteo --rows 50000000 --vocabulary 1000000
    OMP_WAIT_POLICY=PASSIVE python bench/ctr_stream.py BIG --threads 2

Prepares the log (39 features, minimum count 10), then trains DeepFM (vectors of width 16, layers 400-400-400, batch 4,096) on one pass
of the training part in rounds. Prints for each round its rows a second, the share of time that was spent waiting for rows, and the
resident memory (of which pages of the mapped files, which the system takes back when it needs them).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import torch

import turret
from turret.batches.impressions import ImpressionBatches
from turret.batches.schema import schema_of
from turret.core.context import Impressions
from turret.losses.pointwise import LOSSES
from turret.models.ranking.deepfm import DeepFM
from turret.training.config import Training
from turret.training.objectives.pointwise import Pointwise
from turret.training.procedures import Gradient


class Timed:
    """Batches, and how long they were waited for."""

    def __init__(self, batches: ImpressionBatches) -> None:
        self.batches, self.waited = batches, 0.0

    def steps(self) -> int:
        """How many batches an epoch has."""
        return self.batches.steps()

    def epoch(self, generator: torch.Generator) -> Iterator[Impressions]:
        """Those of `ImpressionBatches`."""
        start = time.perf_counter()
        for batch in self.batches.epoch(generator):
            self.waited += time.perf_counter() - start
            yield batch
            start = time.perf_counter()


def resident() -> dict[str, float]:
    """Resident memory of this process in GB: all of it, and pages of files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1e6 for line in lines if line.startswith(("VmRSS", "RssFile"))}
    return {"resident": sizes["VmRSS"], "of files": sizes["RssFile"]}


def main() -> None:
    """Prepares and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20, help="that the pass is divided into")
    parser.add_argument("--products", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--stop_after", type=int, default=10**9, help="rounds")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    start = time.perf_counter()
    prepared = turret.prepare(options.log, features={"*": {"min_count": 10}}, threads=options.threads)
    print(f"prepared in {time.perf_counter() - start:.0f} s (opened again if that was done before): {resident()}", flush=True)
    batches = Timed(ImpressionBatches(prepared, 4096))
    torch.manual_seed(0)
    model = DeepFM(schema_of(prepared), 16, (400, 400, 400), 0.0, 0.01)
    steps = -(-batches.steps() // options.rounds)
    training = Training(learner="sparse_adam", epochs=1, round_steps=steps, batch_size=4096)
    objective = Pointwise(LOSSES["binary_cross_entropy"], products=getattr(torch, options.products))
    rows = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    print(f"{len(batches.batches):,} training rows, {rows:.1f}M parameters, {options.rounds} rounds of {steps} steps", flush=True)
    for progress in Gradient(batches, objective, training).fit(model, 0, torch.device("cpu")):  # type: ignore[arg-type]
        memory = "  ".join(f"{name} {size:.2f} GB" for name, size in resident().items())
        speed, waited = steps * 4096 / progress.seconds, batches.waited / progress.seconds
        told = f"{speed:8,.0f} rows/s  waiting {waited:5.1%}  {memory}  loss {progress.measures['loss']:.4f}"
        print(f"round {progress.round:3}  {told}", flush=True)
        batches.waited = 0.0
        if progress.round == options.stop_after:
            break


if __name__ == "__main__":
    main()
