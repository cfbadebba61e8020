"""How rankers are trained: the settings that they share, and the recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator

from turret.batches.impressions import HELD, ImpressionBatches
from turret.batches.lmdb_rows import LmdbRows
from turret.batches.needs import needs_labels
from turret.batches.schema import labels_of
from turret.core.context import NOTHING, Reads
from turret.core.errors import InputError, UnsupportedError
from turret.data.prepared import TRAIN, Prepared
from turret.losses.pointwise import LOSSES
from turret.training.config import Training
from turret.training.objectives.pointwise import MultiTask, Pointwise
from turret.training.procedures import Gradient


class Clicks(BaseModel):
    """What is learnt from impressions."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    loss: Literal["binary_cross_entropy", "square"] = "binary_cross_entropy"
    """What a prediction and its label are compared by; square is for labels that are no answers, such as ratings."""
    positive_weight: float = Field(default=1.0, gt=0)
    """How much an impression of label 1 counts in training, where one of label 0 counts 1. Predictions are corrected for it."""
    negative_share: float = Field(default=1.0, gt=0, le=1)
    """Share of the impressions of label 0 that an epoch takes, drawn anew for each. Predictions are corrected for it. For one task."""
    products: Literal["float32", "bfloat16"] = "float32"
    """Type of the matrix products of training. bfloat16 takes half the time on processors that have it; weights, their updates and all
    evaluation stay in float32."""
    lmdb: Path | None = None
    """LMDB environment, made by `turret data export`, that training rows are read from; none: from the prepared dataset."""
    shuffle_rows: int = Field(default=HELD, ge=1)
    """Impressions that are held in memory and shuffled among each other; a log that is no longer is shuffled evenly."""

    @model_validator(mode="after")
    def _consistent(self) -> Clicks:
        if self.loss == "square" and (self.positive_weight != 1 or self.negative_share != 1):
            raise ValueError("positive_weight and negative_share are for answers of 0 and 1, not for the loss square")
        return self

    @property
    def offset(self) -> float:
        """ln(positive_weight / negative_share): weighting and dropping rows multiply the odds of a click by the argument.

        X. He et al. "Practical Lessons from Predicting Clicks on Ads at Facebook." ADKDD 2014, section 6.3, corrects predictions for
        down-sampling afterwards; adding the logarithm to the logits of training comes to the same, and leaves nothing to correct.
        """
        return math.log(self.positive_weight / self.negative_share)


def from_clicks(
    prepared: Prepared,
    training: Training,
    clicks: Clicks,
    reads: Reads = NOTHING,
    penalties: Mapping[str, float] | None = None,
    *,
    balanced: bool = False,
) -> Gradient:
    """Labelled impressions, each for itself.

    Args:
        prepared: the dataset.
        training: optimizer and epochs.
        clicks: the rest.
        reads: what the model reads.
        penalties: factors of a `Guided` model's terms.
        balanced: whether the model is `Balanced`, so that it weighs its tasks itself.

    Raises:
        InputError: the dataset has no labels, or such as the loss is not for.
        UnsupportedError: rows are to be dropped by the label of one task of several.
    """
    needs_labels(prepared)
    if balanced and clicks.negative_share < 1:
        raise UnsupportedError(
            "negative_share drops rows by the first label, and so changes what the other tasks see in a way that no correction undoes\n"
            "  Leave it at 1 for models of several tasks; positive_weight counts clicks more without dropping rows."
        )
    if clicks.loss == "binary_cross_entropy":
        _needs_answers(prepared)
    products = {"float32": torch.float32, "bfloat16": torch.bfloat16}[clicks.products]
    each = Pointwise(LOSSES[clicks.loss], clicks.positive_weight, clicks.offset, penalties or {}, products)
    source = None if clicks.lmdb is None else LmdbRows(clicks.lmdb, prepared)
    return Gradient(
        batches=ImpressionBatches(prepared, training.batch_size, TRAIN, reads, clicks.negative_share, clicks.shuffle_rows, source),
        objective=MultiTask(each) if balanced else each,
        training=training,
    )


def _needs_answers(prepared: Prepared) -> None:
    for part in prepared.parts.values():
        for name, values in labels_of(part).items():
            strange = np.flatnonzero((values != 0) & (values != 1))
            if len(strange):
                found = f"{name} is something else in {len(strange):,} rows, such as {values[strange[0]]:g}"
                hint = "--label_threshold makes labels of ratings; --loss square with --val_metrics rmse learns them as they are."
                raise InputError(f"the labels of {prepared.name} should be 0 or 1; {found}", hint=hint)
