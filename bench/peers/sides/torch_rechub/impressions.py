"""The case's impressions as Torch-RecHub reads them, and a model's training on them by its own trainer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, islice, repeat
from typing import Any

import numpy as np
import torch
from stand import Stand, label_quality
from torch_rechub.basic.features import SparseFeature
from torch_rechub.basic.initializers import RandomNormal
from torch_rechub.trainers import CTRTrainer
from torch_rechub.utils.data import DataGenerator


def measured(stand: Stand, made: Callable[[list[SparseFeature]], Any]) -> None:
    """Trains what `made(fields)` gives, tells the seconds for 1,000,000 rows, and judges it.

    Its networks have a batch normalisation in every layer, which cannot be left out; its gradients are not clipped.
    """
    torch.manual_seed(stand.seed)
    words, batch = stand.words, stand.words["batch"]
    start = RandomNormal(0, words["std"])
    fields = [SparseFeature(f"C{field}", size, words["width"], initializer=start) for field, size in enumerate(stand.facts["sizes"])]
    trainer = CTRTrainer(
        made(fields),
        optimizer_params={"lr": words["rate"], "weight_decay": 0.0},
        regularization_params={"embedding_l1": 0.0, "embedding_l2": words["l2"] / 2, "dense_l1": 0.0, "dense_l2": 0.0},
        model_path=str(stand.scratch),
    )
    train, test = (columns(stand.array(f"{part}_ids")) for part in ("train", "test"))
    label, held = stand.array("train_label"), stand.array("test_label")
    loader, _, tested = DataGenerator(train, label).generate_dataloader(test, held, test, held, batch_size=batch)
    batches = chain.from_iterable(repeat(loader))
    steps = words["round"] or len(loader)
    trainer.train_one_epoch(islice(batches, steps))
    with stand.measuring():
        trainer.train_one_epoch(islice(batches, words["measured"] * steps))
    rows = words["measured"] * (words["round"] * batch or stand.facts["rows"])
    predicted = np.array(trainer.predict(trainer.model, tested))
    stand.tell(stand.seconds[0] / rows * 1e6, label_quality(held, predicted))


def columns(ids: np.ndarray) -> dict[str, np.ndarray]:
    """int32 (rows, fields) as columns by name."""
    return {f"C{field}": ids[:, field].copy() for field in range(ids.shape[1])}
