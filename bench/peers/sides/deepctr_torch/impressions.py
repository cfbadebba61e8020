"""The case's impressions as DeepCTR-Torch reads them, and a model's training on them by its own `fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from deepctr_torch.inputs import SparseFeat
from stand import Stand, label_quality


def measured(stand: Stand, made: Callable[[list[SparseFeat], float], Any]) -> None:
    """Trains what `made(fields, l2)` gives, tells the seconds for 1,000,000 rows, and judges it.

    A step sums the losses of its rows, where others take their mean, so that `l2` is as many times as large; of a table it counts the
    squares, not half of them.
    """
    torch.manual_seed(stand.seed)
    words, batch = stand.words, stand.words["batch"]
    fields = [SparseFeat(f"C{field}", size, words["width"]) for field, size in enumerate(stand.facts["sizes"])]
    model = made(fields, words["l2"] * batch / 2)
    model.compile("adam", "binary_crossentropy")  # whose learning rate is that of the case, 0.001
    ids, label = stand.array("train_ids"), stand.array("train_label")

    def fit(start: int, stop: int, epochs: int) -> None:
        model.fit(columns(ids[start:stop]), label[start:stop], batch_size=batch, epochs=epochs, verbose=0)

    if words["round"]:
        warm = words["round"] * batch
        rows = words["measured"] * warm
        fit(0, warm, 1)
        with stand.measuring():
            fit(warm, warm + rows, 1)
    else:
        rows = words["measured"] * len(ids)
        fit(0, len(ids), 1)
        with stand.measuring():
            fit(0, len(ids), words["measured"])
    predicted = model.predict(columns(stand.array("test_ids")), batch)
    stand.tell(stand.seconds[0] / rows * 1e6, label_quality(stand.array("test_label"), predicted.reshape(-1)))


def columns(ids: np.ndarray) -> dict[str, np.ndarray]:
    """int32 (rows, fields) as the columns that a model asks for by name."""
    return {f"C{field}": ids[:, field] for field in range(ids.shape[1])}
