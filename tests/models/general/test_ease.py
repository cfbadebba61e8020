from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from turret.core.context import Context, History
from turret.core.errors import TurretError
from turret.core.interactions import Interactions
from turret.models.general.ease import EASE

N_USERS, N_ITEMS = 90, 70


@pytest.fixture(scope="module")
def data() -> Interactions:
    """With repeated pairs."""
    draw = np.random.default_rng(0)
    user = np.sort(draw.integers(0, N_USERS, 900)).astype(np.int32)
    return Interactions(user, (draw.random(900) ** 2 * N_ITEMS).astype(np.int32), N_USERS, N_ITEMS)


def binary(data: Interactions) -> np.ndarray:
    x = np.zeros((data.n_users, data.n_items))
    x[data.user, data.item] = 1
    return x


def solved(data: Interactions, regularization: float = 3.0, **settings: object) -> EASE:
    model = EASE(data.n_items, regularization, **settings)  # type: ignore[arg-type]
    list(model.solve(data, torch.Generator()))
    return model


@pytest.mark.parametrize("precision", ["single", "double"])
def test_each_column_is_a_ridge_regression_on_the_other_items(data: Interactions, precision: str) -> None:
    """The problem itself, not its closed form: item j from all others, one at a time."""
    x = binary(data)
    expected = np.zeros((N_ITEMS, N_ITEMS))
    for j in range(N_ITEMS):
        others = np.delete(np.arange(N_ITEMS), j)
        rest = x[:, others]
        expected[others, j] = np.linalg.solve(rest.T @ rest + 3 * np.eye(len(others)), rest.T @ x[:, j])
    np.testing.assert_allclose(solved(data, precision=precision).weights.numpy(), expected, atol=1e-5 if precision == "single" else 1e-7)


def test_scores_are_sums_over_the_distinct_items_of_the_history(data: Interactions) -> None:
    model = solved(data)
    histories = [[3, 7, 3, N_ITEMS + 2], [], [0, 1, 2, 24]]
    items = torch.tensor([[*row, *([5] * (6 - len(row)))] for row in histories])
    mask = torch.tensor([[step < len(row) for step in range(6)] for row in histories])
    weights = model.weights.numpy()
    expected = np.stack([weights[[3, 7]].sum(axis=0), np.zeros(N_ITEMS), weights[[0, 1, 2, 24]].sum(axis=0)])
    np.testing.assert_allclose(model.score_all(Context(history=History(items, mask))).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_what_cannot_be_inverted_is_an_error_with_advice() -> None:
    """Two items that the same million users chose: beside their counts, lambda is lost in float32 but not in float64."""
    pairs = np.arange(2_000_000, dtype=np.int32)
    same = Interactions(pairs // 2, pairs % 2, 1_000_000, 2)
    with pytest.raises(TurretError, match="precision to double"):
        solved(same, regularization=1e-3)
    expected = 1e6 / (1e6 + 1e-3)
    np.testing.assert_allclose(
        solved(same, regularization=1e-3, precision="double").weights.numpy(), [[0, expected], [expected, 0]], rtol=1e-6
    )


def test_solving_again_starts_afresh(data: Interactions) -> None:
    model = solved(data)
    once = model.weights.clone()
    list(model.solve(data, torch.Generator()))
    assert torch.equal(model.weights, once)


@pytest.mark.real_data
@pytest.mark.parametrize("regularization", [1.0, 250.0])
def test_single_precision_is_enough_for_movielens(regularization: float) -> None:
    log = Path(os.environ.get("TURRET_DATA", "absent")) / "ml-100k" / "ml-100k.inter"
    if not log.is_file():
        pytest.skip("TURRET_DATA holds no ml-100k")
    user, item = np.loadtxt(log, skiprows=1, usecols=(0, 1), dtype=np.int32).T
    order = np.argsort(user, kind="stable")
    data = Interactions(user[order] - 1, item[order] - 1, 943, 1682)
    x = binary(data)
    p = np.linalg.inv(x.T @ x + regularization * np.eye(1682))
    expected = -p / np.diag(p)
    np.fill_diagonal(expected, 0)
    assert np.abs(solved(data, regularization).weights.numpy() - expected).max() < 2e-4 / regularization**0.5
