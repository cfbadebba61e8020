"""The case's impressions as FuxiCTR reads them, and a model's training on them by its own loop."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from itertools import chain, islice, repeat
from typing import Any

import numpy as np
import torch
from fuxictr.features import FeatureMap
from fuxictr.pytorch.dataloaders import RankDataLoader
from fuxictr.pytorch.models import BaseModel
from stand import Stand, label_quality


class Measured(BaseModel):
    """A model that `fit` neither evaluates on the way nor puts back to a checkpoint at the end, since none is written.

    Args:
        stand: the job.
        fields: what a row holds.
    """

    def __init__(self, stand: Stand, fields: FeatureMap) -> None:
        super().__init__(
            fields,
            model_id="bench",
            eval_steps=sys.maxsize,
            embedding_regularizer=stand.words["l2"],
            verbose=0,
            model_root=str(stand.scratch),
            metrics=["AUC"],
        )
        self.initial = f"partial(nn.init.normal_, std={stand.words['std']})"

    def ready(self, stand: Stand) -> None:
        """What a model of the library does last when it is made."""
        self.compile("adam", "binary_crossentropy", stand.words["rate"])
        self.reset_parameters()
        self.model_to_device()

    def load_weights(self, checkpoint: str) -> None:
        """Leaves what the last step left."""


class Stretch:
    """So many of the batches to come."""

    def __init__(self, batches: Iterator[Any], steps: int) -> None:
        self.batches, self.steps = batches, steps

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Any]:
        return islice(self.batches, self.steps)


def fields_of(stand: Stand) -> FeatureMap:
    """The fields of the files."""
    found = FeatureMap("bench", str(stand.scratch))
    for field, size in enumerate(stand.facts["sizes"]):
        found.features[f"C{field}"] = {"source": "", "type": "categorical", "vocab_size": size}
    found.labels = ["label"]
    found.num_fields = stand.facts["fields"]
    found.default_emb_dim = stand.words["width"]
    found.set_column_index()
    return found


def measured(stand: Stand, made: Any) -> None:
    """Trains what `made(stand, fields)` gives on what the library's loader gives, tells the seconds for 1,000,000 rows, and judges it."""
    logging.disable(logging.CRITICAL)
    torch.manual_seed(stand.seed)
    fields = fields_of(stand)
    for part in ("train", "test"):
        ids, label = stand.array(f"{part}_ids"), stand.array(f"{part}_label")
        columns = {f"C{field}": ids[:, field] for field in range(ids.shape[1])}
        # Labels of the ids' type keep the loader's table from becoming one of float64.
        np.savez(stand.scratch / f"{part}.npz", label=label.astype(np.int32), **columns)
    words, batch = stand.words, stand.words["batch"]
    # Its loader reads in a process of its own, as it does unless told otherwise.
    files = {f"{part}_data": str(stand.scratch / f"{part}.npz") for part in ("train", "test")}
    loader, _, held = RankDataLoader(fields, "both", **files, batch_size=batch, shuffle=True)
    batches = chain.from_iterable(repeat(loader))
    steps = words["round"] or len(loader)
    model = made(stand, fields)
    model.fit(Stretch(batches, steps), epochs=1, max_gradient_norm=words["clip"])
    with stand.measuring():
        model.fit(Stretch(batches, words["measured"] * steps), epochs=1, max_gradient_norm=words["clip"])
    rows = words["measured"] * (words["round"] * batch or stand.facts["rows"])
    stand.tell(stand.seconds[0] / rows * 1e6, label_quality(stand.array("test_label"), model.predict(held)))
