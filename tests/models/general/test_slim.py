from __future__ import annotations

import numpy as np
import pytest
import safetensors.torch
import torch
from scipy.optimize import minimize

from turret.core.context import Context, History
from turret.core.interactions import Interactions
from turret.models.general.slim import SLIM

N_USERS, N_ITEMS, BETA, LAMBDA = 90, 40, 3.0, 0.7


@pytest.fixture(scope="module")
def data() -> Interactions:
    """With repeated pairs, and an item that nobody chose."""
    draw = np.random.default_rng(0)
    user = np.sort(draw.integers(0, N_USERS, 900)).astype(np.int32)
    return Interactions(user, (draw.random(900) ** 2 * (N_ITEMS - 1)).astype(np.int32), N_USERS, N_ITEMS)


def binary(data: Interactions) -> np.ndarray:
    a = np.zeros((data.n_users, data.n_items))
    a[data.user, data.item] = 1
    return a


def solved(data: Interactions, beta: float = BETA, lasso: float = LAMBDA, **settings: float) -> SLIM:
    model = SLIM(data.n_items, beta, lasso, **{"tolerance": 1e-6, **settings})  # type: ignore[arg-type]
    list(model.solve(data, torch.Generator()))
    return model


def by_a_general_optimiser(a: np.ndarray, beta: float, lasso: float, allowed: np.ndarray) -> np.ndarray:
    """W, column by column; `allowed` [I, I] says where it may have weights."""
    w = np.zeros(allowed.shape)
    for j in np.flatnonzero(allowed.any(axis=0)):
        rest = a[:, allowed[:, j]]

        def value_and_gradient(x: np.ndarray, rest: np.ndarray = rest, j: int = j) -> tuple[float, np.ndarray]:
            error = rest @ x - a[:, j]
            return error @ error / 2 + beta / 2 * x @ x + lasso * x.sum(), rest.T @ error + beta * x + lasso

        bounds, start = [(0, None)] * rest.shape[1], np.zeros(rest.shape[1])
        found = minimize(value_and_gradient, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-9})
        w[allowed[:, j], j] = found.x
    return w


@pytest.mark.parametrize(("beta", "lasso"), [(BETA, LAMBDA), (BETA, 0.0), (0.5, 6.0), (40.0, 0.1)])
def test_each_column_is_a_non_negative_elastic_net(data: Interactions, beta: float, lasso: float) -> None:
    expected = by_a_general_optimiser(binary(data), beta, lasso, ~np.eye(N_ITEMS, dtype=bool))
    found = solved(data, beta, lasso).weights.matrix().toarray()
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert 0.02 < np.mean(found > 0) < 0.9


def test_no_weight_can_be_moved_to_advantage() -> None:
    """The conditions of Karush, Kuhn and Tucker, in float64, on a log of some size: seven groups of users, each with items of its own."""
    draw = np.random.default_rng(1)
    user = np.sort(draw.integers(0, 400, 12_000)).astype(np.int32)
    log = Interactions(user, (((draw.random(12_000) ** 2 + user % 7) / 7) % 1 * 300).astype(np.int32), 400, 300)
    a, w = binary(log), solved(log, 5.0, 1.0).weights.matrix().toarray().astype(np.float64)
    gradient = a.T @ (a @ w - a) + 5.0 * w + 1.0
    curvature = np.square(a).sum(axis=0)[:, None] + 5.0
    np.fill_diagonal(gradient, 0)
    assert w.min() >= 0 and not w.diagonal().any()
    assert (gradient / curvature).min() > -2e-6
    assert np.abs(gradient / curvature)[w > 0].max() < 2e-6
    assert 300 < np.sum(w > 0) < 60_000


def test_an_item_is_explained_by_its_nearest_alone(data: Interactions) -> None:
    a = binary(data)
    lengths = np.sqrt(a.sum(axis=0))
    cosines = np.divide(a.T @ a, np.outer(lengths, lengths), out=np.zeros((N_ITEMS, N_ITEMS)), where=np.outer(lengths, lengths) > 0)
    np.fill_diagonal(cosines, 0)
    fifth = np.sort(cosines, axis=0)[-5]
    clear = np.sum(np.isclose(cosines, fifth) & (cosines > 0), axis=0) == 1  # columns where which five are nearest is beyond doubt
    allowed = (cosines >= fifth - 1e-9) & (cosines > 0)
    expected = by_a_general_optimiser(a, BETA, LAMBDA, allowed)
    found = solved(data, neighbours=5).weights.matrix().toarray()
    assert clear.sum() > N_ITEMS / 2
    np.testing.assert_allclose(found[:, clear], expected[:, clear], atol=2e-5)


def test_scores_are_sums_over_the_distinct_items_of_the_history(data: Interactions) -> None:
    model = solved(data)
    histories = [[3, 7, 3, N_ITEMS + 2], [], [0, 1, 2, 24]]
    items = torch.tensor([[*row, *([5] * (4 - len(row)))] for row in histories])
    mask = torch.tensor([[step < len(row) for step in range(4)] for row in histories])
    w = model.weights.matrix().toarray()
    expected = np.stack([w[[3, 7]].sum(axis=0), np.zeros(N_ITEMS), w[[0, 1, 2, 24]].sum(axis=0)])
    np.testing.assert_allclose(model.score_all(Context(history=History(items, mask))).numpy(), expected, rtol=1e-5)


def test_sweeps_end_when_all_columns_are_finished(data: Interactions) -> None:
    model = SLIM(N_ITEMS, BETA, LAMBDA, tolerance=1e-6)
    unfinished = [progress.measures["unfinished"] for progress in model.solve(data, torch.Generator())]
    assert 2 <= len(unfinished) < 30
    assert unfinished[0] > 0 and unfinished == sorted(unfinished, reverse=True) and unfinished[-1] == 0
    assert bool((model.change < 1e-6).all())
    assert len(list(SLIM(N_ITEMS, BETA, LAMBDA, tolerance=1e-6, sweeps=1).solve(data, torch.Generator()))) == 1


def test_goes_on_from_a_checkpoint_as_if_never_stopped(data: Interactions) -> None:
    whole, stopped, resumed = (SLIM(N_ITEMS, BETA, LAMBDA, tolerance=1e-6) for _ in range(3))
    expected = [progress.measures for progress in whole.solve(data, torch.Generator())]
    sweeps = stopped.solve(data, torch.Generator())
    found = [next(sweeps).measures]
    resumed.load_state_dict(safetensors.torch.load(safetensors.torch.save(stopped.state_dict())))
    for progress in resumed.solve(data, torch.Generator()):
        found.append(progress.measures)
        assert progress.round == len(found)
    assert found == expected and len(found) > 1
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in resumed.state_dict().items())


def test_one_item_has_no_other_to_explain_it() -> None:
    model = solved(Interactions(np.arange(3, dtype=np.int32), np.zeros(3, dtype=np.int32), 3, 1))
    history = History(torch.zeros(1, 1, dtype=torch.int64), torch.ones(1, 1, dtype=torch.bool))
    assert model.score_all(Context(history=history)).tolist() == [[0]]


def test_threads_change_nothing(data: Interactions) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        many = solved(data)
        torch.set_num_threads(1)
        one = solved(data)
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(value, many.state_dict()[name]) for name, value in one.state_dict().items())
