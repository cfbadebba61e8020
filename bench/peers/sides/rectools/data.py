"""The case's arrays as RecTools' dataset, and the lists of a fitted model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from rectools import Columns
from rectools.dataset import Dataset
from stand import Stand


def dataset(stand: Stand) -> Dataset:
    """The training pairs."""
    user, item = stand.array("train_user"), stand.array("train_item")
    table = pd.DataFrame({Columns.User: user, Columns.Item: item})
    table[Columns.Weight] = 1.0
    table[Columns.Datetime] = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(len(table)), unit="s")
    return Dataset.construct(table)


def judged(stand: Stand, data: Dataset, model: Any) -> dict[str, float]:
    """Quality of the lists of the users who are asked."""
    asked = stand.asked()
    found = model.recommend(users=asked, dataset=data, k=10, filter_viewed=True)
    lists = found.sort_values([Columns.User, Columns.Rank])[Columns.Item].to_numpy().reshape(len(asked), 10)
    return stand.judged(lists)
