"""Models of DeepCTR-Torch on batches that Turret wrote: the other side of bench/ctr_frappe.py, in an environment of its own.

    python -m venv reference && reference/bin/pip install torch deepctr-torch requests pandas
    reference/bin/python bench/ctr_reference.py frappe.npz --models deepfm,dcn --seeds 1,2,3 --out reference.jsonl

Training is what their `fit` does, in a bare loop: the sum over the batch of the binary cross-entropies, plus their L2 terms (1e-5 times the
squares of embeddings and first-order weights, not divided by the rows), by Adam. Sizes that are not said in `MODELS` are their defaults.
Appends one JSON object a model and seed: AUC and log loss of the test part by task, of the epoch with the best validation AUC, and CPU
seconds an epoch.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from deepctr_torch import models as theirs
from deepctr_torch.inputs import SparseFeat, VarLenSparseFeat
from sklearn.metrics import log_loss, roc_auc_score
from torch import Tensor, nn

DEEP = {"dnn_hidden_units": (400, 400, 400), "dnn_dropout": 0.2}
EXPERTS = {"expert_dnn_hidden_units": (256, 128), "gate_dnn_hidden_units": (), "tower_dnn_hidden_units": (64,), "dnn_dropout": 0.2}
FIXED = {"l2_reg_embedding": 1e-5}


def wide(model: Callable[..., nn.Module], **options: Any) -> Callable[..., nn.Module]:
    """A model with a first-order part, on the columns of categories."""
    return lambda columns, history, tasks, seed: model(columns, columns, **options, **FIXED, seed=seed)


def several(model: Callable[..., nn.Module], **options: Any) -> Callable[..., nn.Module]:
    """A model of several tasks."""
    return lambda columns, history, tasks, seed: model(
        columns, **options, **FIXED, task_types=["binary"] * tasks, task_names=[f"task{task}" for task in range(tasks)], seed=seed
    )


def din(columns: list[SparseFeat], history: VarLenSparseFeat, tasks: int, seed: int) -> nn.Module:
    """DIN, whose attention reads the items."""
    return theirs.DIN([*columns, history], ["item"], att_hidden_size=(64, 16), **DEEP, **FIXED, seed=seed)


MODELS: dict[str, Callable[..., nn.Module]] = {
    "deepfm": wide(theirs.DeepFM, **DEEP),
    "dcn": wide(theirs.DCN, cross_num=2, cross_parameterization="vector", **DEEP),
    "dcnv2": wide(theirs.DCN, cross_num=2, cross_parameterization="matrix", **DEEP),
    "xdeepfm": wide(theirs.xDeepFM, cin_layer_size=(256, 128), **DEEP),
    "autoint": wide(theirs.AutoInt, att_layer_num=3, att_head_num=2, **DEEP),
    "afm": wide(theirs.AFM, attention_factor=8, afm_dropout=0.2),
    "fibinet": wide(theirs.FiBiNET, bilinear_type="interaction", reduction_ratio=3, **DEEP),
    "din": din,
    "mmoe": several(theirs.MMOE, num_experts=3, **EXPERTS),
    "ple": several(theirs.PLE, shared_expert_num=1, specific_expert_num=1, num_levels=2, **EXPERTS),
}


def matrix(data: Any, part: str, behaviours: bool) -> Tensor:
    """float32 [N, columns] their one matrix: tokens, then the items of the history and how many there are."""
    columns = [data[f"{part}_tokens"]]
    if behaviours:
        columns += [data[f"{part}_history"], data[f"{part}_length"][:, None]]
    return torch.from_numpy(np.concatenate(columns, axis=1)).float()


def build(name: str, data: Any, seed: int) -> nn.Module:
    """One of `MODELS` for the fields of the data."""
    sizes = {str(field).replace(".", "_"): int(size) for field, size in zip(data["names"], data["sizes"], strict=True)}
    columns = [SparseFeat(field, size, embedding_dim=10) for field, size in sizes.items()]
    history = None
    if name == "din":
        shared = SparseFeat("hist_item", sizes["item"], embedding_dim=10, embedding_name="item")
        history = VarLenSparseFeat(shared, maxlen=data["train_history"].shape[1], length_name="length")
    return MODELS[name](columns, history, data["train_labels"].shape[1], seed)


def epochs(model: nn.Module, inputs: Tensor, labels: Tensor, options: argparse.Namespace, seed: int) -> Iterator[float]:
    """Trains; yields the CPU seconds of each epoch."""
    optimizer = torch.optim.Adam(model.parameters(), 0.001)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(options.epochs):
        model.train()
        start = time.process_time()
        for rows in torch.randperm(len(inputs), generator=generator).split(options.batch_size):
            optimizer.zero_grad()
            loss = F.binary_cross_entropy(model(inputs[rows]), labels[rows], reduction=options.reduction) + model.get_regularization_loss()
            loss.backward()
            optimizer.step()
        yield time.process_time() - start


@torch.no_grad()
def measures(model: nn.Module, inputs: Tensor, labels: Tensor) -> dict[str, list[float]]:
    """AUC and log loss by task."""
    model.eval()
    predicted = torch.cat([model(rows) for rows in inputs.split(4096)]).double().numpy()
    tasks = [(labels[:, task].numpy(), predicted[:, task]) for task in range(labels.shape[1])]
    return {"auc": [roc_auc_score(*task) for task in tasks], "logloss": [log_loss(*task) for task in tasks]}


def run(name: str, data: Any, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """The test figures of the epoch with the best validation AUC (mean over tasks)."""
    model = build(name, data, seed)
    behaviours = name == "din"
    single = slice(0, 1) if behaviours else slice(None)
    parts = {p: (matrix(data, p, behaviours), torch.from_numpy(data[f"{p}_labels"])[:, single].float()) for p in ("train", "valid", "test")}
    highest, found, seconds = 0.0, {}, []
    for number, took in enumerate(epochs(model, *parts["train"], options, seed), 1):
        seconds.append(took)
        reached = float(np.mean(measures(model, *parts["valid"])["auc"]))
        if reached > highest:
            highest, found = reached, {"epoch": number, "valid_auc": reached, **measures(model, *parts["test"])}
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {
        "model": name,
        "seed": seed,
        "reduction": options.reduction,
        **found,
        "seconds": float(np.median(seconds)),
        "parameters": parameters,
    }


def main() -> None:
    """Runs each model with each seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch_size", type=int, default=1024)
    parser.add_argument("--reduction", choices=["sum", "mean"], default="sum")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = np.load(options.data)
    for seed in map(int, options.seeds.split(",")):
        for name in options.models.split(","):
            found = run(name, data, options, seed)
            print(json.dumps(found), flush=True)
            with options.out.open("a") as out:
                out.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
