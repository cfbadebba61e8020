"""Rows a second of FuxiCTR's DeepFM or DCNv2: the other side of bench/ctr_throughput.py, in an environment of its own.

    git clone --depth 1 https://github.com/reczoo/FuxiCTR        # its models are not in its package
    python -m venv reference && reference/bin/pip install torch fuxictr
    reference/bin/python bench/ctr_throughput_reference.py train.npz --zoo FuxiCTR/model_zoo --model deepfm

Its own model, its own loader of .npz files (shuffled), its own training loop: binary cross-entropy, L2 on the embeddings, gradients clipped
at 10, torch's Adam. Prints one JSON object: rows a second, rows a second of the training process's CPU time (which others' load on the
machine moves less), and the share of the time in which the loop waited for a batch.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fuxictr.features import FeatureMap
from fuxictr.pytorch.dataloaders.npz_dataloader import NpzDataLoader

LAYERS = [400, 400, 400]
SIZES = {
    "deepfm": {"hidden_units": LAYERS},
    "dcnv2": {"model_structure": "parallel", "parallel_dnn_hidden_units": LAYERS, "num_cross_layers": 2},
}
PLACES = {"deepfm": "DeepFM/DeepFM_torch/src/DeepFM.py", "dcnv2": "DCNv2/src/DCNv2.py"}
CLASSES = {"deepfm": "DeepFM", "dcnv2": "DCNv2"}


class Timed:
    """A loader's first batches, and how long they were waited for. The first few are not counted: they hold what happens once."""

    def __init__(self, loader: NpzDataLoader, steps: int, warm: int) -> None:
        self.loader, self.steps, self.warm = loader, steps, warm
        self.waited, self.rows, self.start, self.worked = 0.0, 0, 0.0, 0.0

    def __iter__(self) -> Iterator[Any]:
        batches = iter(self.loader)
        for number in range(self.warm + self.steps):
            if number == self.warm:
                self.waited, self.rows, self.start, self.worked = 0.0, 0, time.perf_counter(), time.process_time()
            asked = time.perf_counter()
            batch = next(batches)
            self.waited += time.perf_counter() - asked
            self.rows += len(batch["label"])
            yield batch


def feature_map(data: Path) -> FeatureMap:
    """The fields of a file whose columns are categories, and a label."""
    with np.load(data) as columns:
        sizes = {name: int(columns[name].max()) + 1 for name in columns.files if name != "label"}
    found = FeatureMap("criteo", str(data.parent))
    found.features.update({name: {"source": "", "type": "categorical", "vocab_size": size} for name, size in sizes.items()})
    found.labels = ["label"]
    found.num_fields = len(sizes)
    found.set_column_index()
    return found


def build(options: argparse.Namespace, fields: FeatureMap) -> Any:
    """The model, ready for its own `train_epoch`."""
    sys.path.insert(0, str((options.zoo / PLACES[options.model]).parent))
    fields.default_emb_dim = options.dim
    model = getattr(__import__(CLASSES[options.model]), CLASSES[options.model])(
        fields,
        embedding_dim=options.dim,
        embedding_regularizer=options.l2,
        net_dropout=options.dropout,
        optimizer="adam",
        loss="binary_crossentropy",
        task="binary_classification",
        metrics=["AUC"],
        model_root=str(options.data.parent),
        verbose=0,
        **SIZES[options.model],
    )
    model._max_gradient_norm, model._eval_steps = 10.0, sys.maxsize
    model._total_steps, model._stop_training = 0, False
    return model


def main() -> None:
    """Trains for `--steps` steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--zoo", type=Path, required=True)
    parser.add_argument("--model", choices=list(SIZES), required=True)
    parser.add_argument("--dim", type=int, default=16)
    parser.add_argument("--batch_size", type=int, default=4096)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--l2", type=float, default=1e-5)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--warm", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--profile", action="store_true", help="print what the time went to")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = build(options, fields := feature_map(options.data))
    loader = NpzDataLoader(fields, str(options.data), batch_size=options.batch_size, shuffle=True, num_workers=options.workers)
    batches = Timed(loader, options.steps, options.warm)
    if options.profile:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
            model.train_epoch(batches)
        print(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=20, max_name_column_width=50))
    else:
        model.train_epoch(batches)
    seconds, worked = time.perf_counter() - batches.start, time.process_time() - batches.worked
    figures = {"rows_per_second": batches.rows / seconds, "rows_per_cpu_second": batches.rows / worked, "waiting": batches.waited / seconds}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
