"""LogisticMF against its objective written out in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from turret.core.context import Context
from turret.data.prepared import Prepared
from turret.models.general import logisticmf
from turret.training.composition import Composition

CONFIG = logisticmf.Config(embed_dim=3, composition=Composition(loss="binary_cross_entropy", negative_count=3, positive_weight=2.5))


def scores_of(model: Any) -> np.ndarray:
    users, items, of_users, of_items = (
        table.weight.detach().numpy() for table in (model.users, model.items, model.user_biases, model.item_biases)
    )
    return np.array([[users[u] @ items[i] + of_users[u, 0] + of_items[i, 0] for i in range(len(items))] for u in range(len(users))])


def test_a_step_maximises_the_likelihood_of_what_was_taken_and_of_sampled_zeros(little: Prepared, step: Callable[..., Any]) -> None:
    taken = step(logisticmf, CONFIG, little)
    p = 1 / (1 + np.exp(-scores_of(taken.model)))
    who, what = taken.batch.context.users.numpy(), taken.batch.target.numpy()
    terms = [
        2.5 * np.log(p[u, i]) + sum(np.log(1 - p[u, k]) for k in negatives)
        for u, i, negatives in zip(who, what, taken.negatives, strict=True)
    ]
    np.testing.assert_allclose(taken.loss, -np.mean(terms), rtol=1e-6)


def test_a_pair_that_occurs_twice_counts_twice(little: Prepared, step: Callable[..., Any]) -> None:
    batch = step(logisticmf, CONFIG, little).batch
    assert list(zip(batch.context.users.tolist(), batch.target.tolist(), strict=True)).count((2, 0)) == 2


def test_scores_have_both_biases(little: Prepared, step: Callable[..., Any]) -> None:
    model = step(logisticmf, CONFIG, little).model.eval()
    with torch.no_grad():
        encoded = model.encode()
        scores = model.scorer.all(model.query(Context(users=torch.arange(4)), encoded).vector, encoded.items.dense())
    np.testing.assert_allclose(scores.numpy(), scores_of(model), rtol=1e-6)


def test_another_scorer_is_refused() -> None:
    with pytest.raises(ValidationError, match="inner product"):
        logisticmf.Config(composition=Composition(loss="binary_cross_entropy", scorer="cosine"))
