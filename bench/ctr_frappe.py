"""Ten rankers beside DeepCTR-Torch's on the very same batches' rows, sizes, initial scale, L2 term, optimizer and epochs.

    python -m venv reference && reference/bin/pip install torch deepctr-torch requests pandas
    TURRET_DATA=DIR OMP_WAIT_POLICY=PASSIVE python bench/ctr_frappe.py --reference_python reference/bin/python

The first seven train on frappe's published split, a tenth of the training file held out for validation; DIN, which reads what a user
did before, and MMoE and PLE, which have several tasks (rated 4 or more, rated 5), on MovieLens 100k, split by time. Both: vectors of width
10 that begin with deviation 0.0001, layers 400-400-400 (experts: 256-128), dropout 0.2, Adam at 0.001, batch 1,024, and of 12 epochs the
one with the best validation AUC. DeepCTR-Torch adds 1e-5 times the squares of its tables to the sum of a batch's losses
(`ctr_reference.py`), which is 2e-5 / 1,024 as a decay beside the gradient of the mean. Prints each run, then a line a model: mean AUC of
the test part with its deviation over the seeds, of both, and CPU seconds an epoch of one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from turret.api import prepare
from turret.batches.impressions import NOTHING, ImpressionBatches
from turret.core.context import Reads
from turret.core.seeds import derive
from turret.data.prepared import TEST, TRAIN, VALID, Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.ranking import RankerEvaluator
from turret.models.catalogue import load
from turret.training.config import Training

BATCH = 1024
EPOCHS = 12
TRAINING = Training(epochs=EPOCHS, batch_size=BATCH, learning_rate=0.001, embedding_decay=2e-5 / BATCH)
COMMON = {"embed_dim": 10, "dropout": 0.2, "init_std": 0.0001, "training": TRAINING}
DEEP = {**COMMON, "mlp_layers": (400, 400, 400)}
CROSS = {**DEEP, "cross_layers": 2, "batch_norm": False}
EXPERTS = {**COMMON, "expert_layers": (256, 128), "gate_layers": (), "tower_layers": (64,)}
SETTINGS: dict[str, dict[str, Any]] = {
    "deepfm": DEEP,
    "dcn": CROSS,
    "dcnv2": {**CROSS, "structure": "parallel"},
    "xdeepfm": {**DEEP, "cin_layers": (256, 128), "cin_activation": "relu", "split_half": True},
    "autoint": {**DEEP, "attention_layers": 3, "attention_heads": 2, "attention_dim": 5},
    "afm": {**COMMON, "attention_factor": 8},
    "fibinet": {**DEEP, "reduction": 3, "bilinear": "interaction"},
    "din": {**DEEP, "unit_layers": (64, 16), "unit_activation": "dice", "mlp_activation": "relu", "history_length": 50},
    "mmoe": {**EXPERTS, "experts": 3},
    "ple": {**EXPERTS, "extraction_levels": 2, "task_experts": 1, "shared_experts": 1},
}
"""Each model's, as `ctr_reference.py` gives them to the other side."""
SMALL = {"din": ("attention.unit", "mlp")}
"""Networks whose weights begin with deviation 0.0001, as all of the other side's do: on the small log that DIN learns from it shows."""


@dataclass(frozen=True)
class Log:
    """A dataset, and what of it is read.

    Attributes:
        folder: of $TURRET_DATA.
        options: of `prepare`.
        reads: of the models that train on it.
        made: makes another folder of it first, inside the one that it is given.
    """

    folder: str
    options: dict[str, Any]
    reads: Reads = NOTHING
    made: Callable[[Path, Path], Path] = lambda source, place: source

    def prepared(self, place: Path) -> Prepared:
        """The dataset; `place` holds what has to be made for it."""
        return prepare(self.made(Path(os.environ["TURRET_DATA"]) / self.folder, place), **self.options)


def two_tasks(source: Path, place: Path) -> Path:
    """MovieLens with two labels in place of the rating."""
    folder = place / "ml-100k-tasks"
    folder.mkdir(exist_ok=True)
    rows = [line.split("\t") for line in (source / "ml-100k.inter").read_text().splitlines()[1:]]
    lines = [f"{user}\t{item}\t{time}\t{float(rating) >= 4:d}\t{float(rating) >= 5:d}" for user, item, rating, time in rows]
    header = "user_id:token\titem_id:token\ttimestamp:float\tliked:float\tloved:float"
    (folder / "ml-100k-tasks.inter").write_text("\n".join([header, *lines, ""]))
    (folder / "ml-100k-tasks.user").write_text((source / "ml-100k.user").read_text())
    return folder


BY_TIME = {"files": {"inter": "ml-100k.inter", "user": "ml-100k.user"}, "label_threshold": 4, "split_mode": "time"}
FRAPPE = Log("frappe", {})
HISTORIES = Log("ml-100k", BY_TIME, Reads(history=50))
TASKS = Log("ml-100k", {"columns": {"liked": "label", "loved": "label"}, "split_mode": "time"}, made=two_tasks)
LOGS = dict.fromkeys(SETTINGS, FRAPPE) | {"din": HISTORIES, "mmoe": TASKS, "ple": TASKS}


def export(log: Log, prepared: Prepared, path: Path) -> None:
    """Writes what the batches of each part hold, for a reference in another environment."""
    columns: dict[str, Any] = {}
    for part in (TRAIN, VALID, TEST):
        batches = ImpressionBatches(prepared, BATCH, part, log.reads)
        held = list(batches.in_order())
        columns[f"{part}_tokens"] = torch.cat([batch.tokens for batch in held]).int().numpy()
        columns[f"{part}_labels"] = torch.cat([batch.labels for batch in held]).numpy()
        earlier = [batch.behaviours for batch in held if batch.behaviours is not None]
        if earlier:
            place, longest = batches.schema.behaviour.index("item"), log.reads.history
            items = [torch.nn.functional.pad(e.tokens[..., place], (0, longest - e.mask.shape[1])) for e in earlier]
            columns[f"{part}_history"] = torch.cat(items).int().numpy()
            columns[f"{part}_length"] = torch.cat([e.mask.sum(dim=1) for e in earlier]).int().numpy()
    columns["names"] = np.array([feature.name for feature in batches.schema.categorical])
    columns["sizes"] = np.array([feature.size for feature in batches.schema.categorical])
    np.savez(path, **columns)


def epochs(name: str, prepared: Prepared, seed: int) -> tuple[Any, Iterator[float]]:
    """One of our models, and its training: CPU seconds of each epoch."""
    module = load(name)
    config = module.Config(**SETTINGS[name])
    torch.manual_seed(derive(seed, "parameters"))
    model = module.build(config, prepared)
    for part in SMALL.get(name, ()):
        for layer in model.get_submodule(part).modules():
            if isinstance(layer, torch.nn.Linear):
                torch.nn.init.normal_(layer.weight, std=0.0001)
    progress = module.recipe(config, prepared).fit(model, seed, torch.device("cpu"))

    def seconds() -> Iterator[float]:
        while True:
            start = time.process_time()
            if next(progress, None) is None:
                return
            yield time.process_time() - start

    return model, seconds()


def ours(name: str, prepared: Prepared, seed: int) -> dict[str, Any]:
    """The test figures of the epoch with the best validation AUC (mean over tasks)."""
    model, training = epochs(name, prepared, seed)
    valid, test = (
        RankerEvaluator(prepared, part, Evaluation(val_metrics=METRICS, test_metrics=METRICS), model.reads) for part in (VALID, TEST)
    )
    highest, found, seconds = 0.0, dict[str, Any](), []
    for number, took in enumerate(training, 1):
        seconds.append(took)
        reached = by_task(valid.measures(model), "auc")
        if np.mean(reached) > highest:
            highest = float(np.mean(reached))
            figures = test.measures(model)
            found = {"epoch": number, "valid_auc": highest} | {metric: by_task(figures, metric) for metric in METRICS}
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"model": name, "seed": seed, **found, "seconds": float(np.median(seconds)), "parameters": parameters}


METRICS = ("auc", "logloss")


def by_task(figures: dict[str, float], metric: str) -> list[float]:
    """A metric of each task."""
    return [value for name, value in figures.items() if name == metric or name.endswith(f".{metric}")]


def theirs(python: str, data: Path, name: str, seed: int) -> dict[str, Any]:
    """The same of the other library, in its environment."""
    with tempfile.TemporaryDirectory() as folder:
        script, out = Path(__file__).with_name("ctr_reference.py"), Path(folder) / "out.jsonl"
        command = [python, "-W", "ignore", str(script), str(data), "--models", name, "--seeds", str(seed), "--out", str(out)]
        subprocess.run([*command, "--epochs", str(EPOCHS)], check=True, stdout=subprocess.DEVNULL)
        found: dict[str, Any] = json.loads(out.read_text())
    return found


def line(name: str, our: list[dict[str, Any]], their: list[dict[str, Any]]) -> str:
    """Both sides of a model, over their seeds."""
    if not our or not their:
        return f"{name:9} no runs of both"
    columns = [f"{name:9}"]
    for task in range(len(our[0]["auc"])):
        auc = [[run["auc"][task] for run in side] for side in (our, their)]
        (mean, deviation), (reference, scatter) = [(np.mean(side), np.std(side, ddof=1) if len(side) > 1 else 0.0) for side in auc]
        columns.append(f"AUC {mean:.4f} ({deviation:.4f}) | {reference:.4f} ({scatter:.4f}) | {mean - reference:+.4f}")
    loss, other = (np.mean([run["logloss"] for run in side]) for side in (our, their))
    seconds, theirs_ = (float(np.median([run["seconds"] for run in side])) for side in (our, their))
    columns.append(f"logloss {loss:.4f} | {other:.4f}")
    columns.append(f"CPU s/epoch {seconds:.2f} | {theirs_:.2f} | {theirs_ / seconds:.2f} times as fast")
    columns.append(f"parameters {our[0]['parameters']:,} | {their[0]['parameters']:,}")
    return "   ".join(columns)


def main() -> None:
    """Runs both sides, turn by turn, or ours beside earlier runs of theirs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(LOGS))
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--reference_python", help="runs the reference too, with the Python of its environment")
    parser.add_argument("--reference", type=Path, nargs="*", default=[], help="earlier runs of the reference (JSON lines)")
    parser.add_argument("--out", type=Path, help="where our runs are appended (JSON lines)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    names = options.models.split(",")
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    reference = [json.loads(text) for path in options.reference for text in path.read_text().splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        for seed in map(int, options.seeds.split(",")):
            for name in names:
                log = LOGS[name]
                prepared = log.prepared(Path(folder))
                if options.reference_python:
                    data = Path(folder) / f"{prepared.name}-{log.reads.history}.npz"
                    if not data.exists():
                        export(log, prepared, data)
                    reference.append(theirs(options.reference_python, data, name, seed))
                runs[name].append(ours(name, prepared, seed))
                print(json.dumps(runs[name][-1]), flush=True, file=sys.stderr)
                if options.out:
                    with options.out.open("a") as out:
                        out.write(json.dumps(runs[name][-1]) + "\n")
    print("model     ours (deviation over seeds) | theirs | difference")
    for name in names:
        print(line(name, runs[name], [run for run in reference if run["model"] == name]))


if __name__ == "__main__":
    main()
