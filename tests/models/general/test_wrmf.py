from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import safetensors.torch
import torch
from scipy.optimize import minimize

from turret.batches.history import Histories
from turret.core.context import Context, History
from turret.core.interactions import Interactions
from turret.core.seeds import torch_generator
from turret.models.general.wrmf import WRMF

N_USERS, N_ITEMS, WIDTH, ALPHA, LAMBDA = 30, 20, 5, 4.0, 2.0


@pytest.fixture(scope="module")
def data() -> Interactions:
    """With repeated pairs and weights."""
    draw = np.random.default_rng(0)
    user = np.sort(draw.integers(0, N_USERS, 250)).astype(np.int32)
    item = (draw.random(250) ** 2 * N_ITEMS).astype(np.int32)
    return Interactions(user, item, N_USERS, N_ITEMS, weight=draw.integers(1, 4, 250).astype(np.float32))


def strengths(data: Interactions) -> np.ndarray:
    """r [U, I]."""
    r = np.zeros((data.n_users, data.n_items))
    assert data.weight is not None
    np.add.at(r, (data.user, data.item), data.weight)
    return r


def objective(r: np.ndarray, x: np.ndarray, y: np.ndarray, nu: float = 0.0) -> float:
    """(3), term by term."""
    confidence = 1 + ALPHA * r
    x_lambda, y_lambda = LAMBDA * confidence.sum(axis=1) ** nu, LAMBDA * confidence.sum(axis=0) ** nu
    return float(np.sum(confidence * ((r > 0) - x @ y.T) ** 2) + x_lambda @ np.sum(x**2, axis=1) + y_lambda @ np.sum(y**2, axis=1))


def exact_rows(r: np.ndarray, y: np.ndarray, nu: float = 0.0) -> np.ndarray:
    """(4), in float64."""
    confidence = 1 + ALPHA * r
    ridge = LAMBDA * confidence.sum(axis=1) ** nu
    return np.stack(
        [
            np.linalg.solve(y.T @ (c[:, None] * y) + k * np.eye(y.shape[1]), y.T @ (c * (c > 1)))
            for c, k in zip(confidence, ridge, strict=True)
        ]
    )


def fresh(sweeps: int = 6, steps: int | None = 3, nu: float = 0.0) -> WRMF:
    return WRMF(N_USERS, N_ITEMS, WIDTH, ALPHA, LAMBDA, nu, sweeps, steps)


@pytest.mark.parametrize("nu", [0.0, 0.5])
def test_exact_sweeps_are_the_normal_equations_in_turns(data: Interactions, nu: float) -> None:
    model, r = fresh(steps=None, nu=nu), strengths(data)
    sweeps = model.solve(data, torch_generator(1))
    next(sweeps)
    for _ in range(4):
        x = exact_rows(r, model.items.numpy().astype(np.float64), nu)
        y = exact_rows(r.T, x, nu)
        progress = next(sweeps)
        np.testing.assert_allclose(model.users.numpy(), x, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(model.items.numpy(), y, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(model.gram.numpy(), y.T @ y, rtol=1e-3, atol=1e-4)
        assert progress.measures["loss"] == pytest.approx(objective(r, x, y, nu), rel=1e-5)


@pytest.mark.parametrize("steps", [1, 3, None])
def test_the_loss_is_the_objective_and_never_rises(data: Interactions, steps: int | None) -> None:
    model, r, losses = fresh(sweeps=25, steps=steps), strengths(data), []
    for progress in model.solve(data, torch_generator(1)):
        losses.append(progress.measures["loss"])
        assert losses[-1] == pytest.approx(objective(r, model.users.numpy(), model.items.numpy()), rel=1e-5)
    assert len(losses) == 25
    assert all(later <= earlier * (1 + 1e-6) for earlier, later in pairwise(losses))


def test_ends_where_a_general_optimiser_finds_no_way_down(data: Interactions) -> None:
    model, r = fresh(sweeps=300), strengths(data)
    list(model.solve(data, torch_generator(1)))
    found = np.concatenate([model.users.numpy(), model.items.numpy()]).astype(np.float64)

    def value_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        both = torch.tensor(flat.reshape(found.shape), requires_grad=True)
        x, y = both[:N_USERS], both[N_USERS:]
        weights = torch.tensor(1 + ALPHA * r)
        loss = (weights * (torch.tensor(r > 0).double() - x @ y.T) ** 2).sum() + LAMBDA * both.square().sum()
        loss.backward()
        assert both.grad is not None
        return loss.item(), both.grad.numpy().ravel()

    better = minimize(value_and_gradient, found.ravel(), jac=True, method="L-BFGS-B")
    assert better.fun == pytest.approx(value_and_gradient(found.ravel())[0], rel=1e-5)


def test_goes_on_from_a_checkpoint_as_if_never_stopped(data: Interactions) -> None:
    whole = fresh(sweeps=5)
    expected = [progress.measures for progress in whole.solve(data, torch_generator(1))]
    stopped = fresh(sweeps=5)
    sweeps = stopped.solve(data, torch_generator(1))
    found = [next(sweeps).measures for _ in range(2)]
    resumed = fresh(sweeps=5)
    resumed.load_state_dict(safetensors.torch.load(safetensors.torch.save(stopped.state_dict())))
    for progress in resumed.solve(data, torch_generator(2)):
        found.append(progress.measures)
        assert progress.round == len(found)
    assert found == expected
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in resumed.state_dict().items())


def test_a_query_is_the_exact_solution_for_the_history(data: Interactions) -> None:
    model = fresh()
    list(model.solve(data, torch_generator(1)))
    context = Histories(data, model.reads, N_USERS, N_ITEMS).context(range(N_USERS))
    expected = exact_rows(strengths(data), model.items.numpy().astype(np.float64))
    np.testing.assert_allclose(model.query(context, model.encode()).vector.numpy(), expected, rtol=1e-3, atol=1e-4)


def test_a_history_without_weights_counts_its_items(data: Interactions) -> None:
    model = fresh()
    list(model.solve(data, torch_generator(1)))
    items = torch.tensor([[4, 9, 4, N_ITEMS], [7, 7, 7, 7]])
    mask = torch.tensor([[True, True, True, True], [False, False, False, False]])
    r = np.zeros((2, N_ITEMS))
    r[0, 4], r[0, 9] = 2, 1
    found = model.query(Context(history=History(items, mask)), model.encode()).vector.numpy()
    np.testing.assert_allclose(found, exact_rows(r, model.items.numpy().astype(np.float64)), rtol=1e-3, atol=1e-4)
    assert not found[1].any()


def test_threads_change_nothing(data: Interactions) -> None:
    one, many = fresh(), fresh()
    list(one.solve(data, torch_generator(1)))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        list(many.solve(data, torch_generator(1)))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(one.items, many.items)
    assert torch.equal(one.users, many.users)
