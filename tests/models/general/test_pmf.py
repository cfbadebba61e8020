"""PMF against its objective written out in NumPy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from turret.core.errors import UnsupportedError
from turret.data.prepared import Part, Prepared
from turret.models.general import pmf


@pytest.mark.parametrize("negative_count", [0, 3])
def test_a_step_minimises_the_squared_errors_of_ratings_and_zeros(little: Prepared, step: Callable[..., Any], negative_count: int) -> None:
    taken = step(pmf, pmf.Config(embed_dim=3, negative_count=negative_count), little)
    users, items = (taken.array(table.weight) for table in (taken.model.users, taken.model.items))
    predicted = 1 / (1 + np.exp(-users @ items.T))
    rows = little.train
    rated = {place: rows.rating[place] / 5 for place in range(len(rows))}
    total = 0.0
    for place, negatives in zip(taken.batch.pairs.places.tolist(), taken.negatives, strict=True):
        u, i = rows.user[place], rows.item[place]
        total += (rated[place] - predicted[u, i]) ** 2 + sum(predicted[u, k] ** 2 for k in negatives)
    assert taken.negatives.shape == (len(rows), negative_count)
    np.testing.assert_allclose(taken.loss, total / len(rows), rtol=1e-6)


def test_a_log_without_ratings_is_refused(little: Prepared) -> None:
    without = dataclasses.replace(little, parts={"train": Part(dataclasses.replace(little.train, rating=None))})
    with pytest.raises(UnsupportedError, match="no ratings"):
        pmf.recipe(pmf.Config(), without)
