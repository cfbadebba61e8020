"""Adagrad with momentum against recorded steps, and against its definition row by row."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.nn.tables import Table
from turret.training.config import Training
from turret.training.optimizers.build import build_optimizers
from turret.training.optimizers.rowwise import RowWise
from turret.training.optimizers.rules import MomentumAdagrad

Arrays = dict[str, np.ndarray]


def sparse(rows: Tensor, values: Tensor, n: int) -> Tensor:
    return torch.sparse_coo_tensor(rows[None], values, (n, values.shape[1]), check_invariants=False)


@pytest.mark.real_data
@pytest.mark.parametrize("momentum", ["0", "0.3", "0.9"])
def test_equals_the_recorded_steps(golden: Callable[..., Arrays], momentum: str) -> None:
    recorded = {name: torch.from_numpy(array) for name, array in golden("optimizer", f"mom{momentum}").items()}
    table, dense = (nn.Parameter(recorded[name].clone()) for name in ("W0", "D0"))
    updates = RowWise([table, dense], MomentumAdagrad(float(momentum)))
    for step in range(6):
        part = {name.removeprefix(f"step{step}/"): value for name, value in recorded.items() if name.startswith(f"step{step}/")}
        table.grad, dense.grad = sparse(part["idx"], part["val"], 6), part["gdense"].clone()
        updates.step(0.1)
        state = updates.state()
        found = {"W": table, "D": dense, "W_acc": state["0.total"], "D_acc": state["1.total"]}
        if momentum != "0":
            found |= {"W_mom": state["0.velocity"], "D_mom": state["1.velocity"]}
        for name, value in found.items():
            torch.testing.assert_close(value.detach(), part[name], atol=2e-7, rtol=2e-6, msg=lambda text, name=name: f"{name}: {text}")


def by_definition(
    start: np.ndarray, steps: list[tuple[list[int], np.ndarray]], momentum: float, rate: float = 0.05, decay: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value, total and velocity after the steps; each is different rows and their summed gradients."""
    value, total, velocity = start.astype(np.float64), np.zeros(start.shape), np.zeros(start.shape)
    for rows, gradients in steps:
        for row, gradient in zip(rows, gradients, strict=True):
            g = gradient + decay * value[row]
            total[row] += g**2
            velocity[row] = momentum * velocity[row] - rate * g / np.sqrt(total[row] + 1e-6)
            value[row] += velocity[row]
    return value, total, velocity


def some_steps() -> tuple[np.ndarray, list[tuple[list[int], np.ndarray]]]:
    draw = np.random.default_rng(0)
    rows = [draw.permutation(9)[: draw.integers(1, 6)].tolist() for _ in range(12)]
    return draw.normal(size=(9, 4)).astype(np.float32), [(some, draw.normal(size=(len(some), 4)).astype(np.float32)) for some in rows]


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_both_forms_equal_the_definition(elsewhere: bool, momentum: float, decay: float, as_if_elsewhere: Callable[[Tensor], Any]) -> None:
    start, steps = some_steps()
    rule, weight = MomentumAdagrad(momentum), torch.from_numpy(start.copy())
    state = rule.begin(weight)
    assert set(state) == ({"total", "velocity"} if momentum else {"total"})
    assert not any(value.any() for value in state.values()), "accumulators begin at 0"
    for rows, gradient in steps:
        table = as_if_elsewhere(weight) if elsewhere else weight
        rule.update(table, torch.tensor(rows), torch.from_numpy(gradient.copy()), state, 0.05, decay)
    value, total, velocity = by_definition(start, steps, momentum, decay=decay)
    np.testing.assert_allclose(weight.numpy(), value, atol=2e-6)
    np.testing.assert_allclose(state["total"].numpy(), total, rtol=1e-5)
    if momentum:
        np.testing.assert_allclose(state["velocity"].numpy(), velocity, atol=1e-6)


def test_gradients_of_one_row_are_summed_before_they_are_squared() -> None:
    table = nn.Parameter(torch.zeros(4, 2))
    updates = RowWise([table], MomentumAdagrad())
    table.grad = sparse(torch.tensor([2, 0, 2]), torch.tensor([[3.0, 1.0], [1.0, 1.0], [-1.0, -1.0]]), 4)
    updates.step(0.1)
    assert updates.state()["0.total"].tolist() == [[1, 1], [0, 0], [4, 0], [0, 0]]
    assert table[2].tolist() == pytest.approx([-0.1, 0], abs=1e-6)


def test_small_gradients_feel_that_epsilon_is_inside_the_root() -> None:
    table = nn.Parameter(torch.zeros(1, 3))
    table.grad = torch.tensor([[1e-3, 1e-5, 0.0]])
    RowWise([table], MomentumAdagrad()).step(0.1)
    expected = [-0.1 * g / np.sqrt(g * g + 1e-6) for g in (1e-3, 1e-5, 0.0)]
    assert table[0].tolist() == pytest.approx(expected, rel=1e-5)


def test_velocity_waits_in_untouched_rows_and_moves_touched_ones_without_a_gradient() -> None:
    table = nn.Parameter(torch.zeros(3, 2))
    updates = RowWise([table], MomentumAdagrad(0.5))
    table.grad = sparse(torch.tensor([0, 1]), torch.ones(2, 2), 3)
    updates.step(0.1)
    first = table.detach().clone()
    table.grad = sparse(torch.tensor([1]), torch.zeros(1, 2), 3)
    updates.step(0.1)
    assert torch.equal(table[0], first[0]) and not table[2].any()
    torch.testing.assert_close(table[1].detach(), 1.5 * first[1])
    velocity = updates.state()["0.velocity"]
    assert torch.equal(velocity[0], first[0])
    torch.testing.assert_close(velocity[1], 0.5 * first[1])


class Mixed(nn.Module):
    """A table, a layer and a vector that is no matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.layer, self.scale = Table(9, 4), nn.Linear(4, 3), nn.Parameter(torch.ones(()))

    def forward(self, ids: Tensor) -> Tensor:
        return (self.layer(self.table[ids]).square() * self.scale).sum()


def steps(model: Mixed, updates: RowWise, batches: list[Tensor]) -> None:
    for ids in batches:
        model.zero_grad(set_to_none=True)
        model(ids).backward()
        updates.step(0.05)


@pytest.mark.parametrize("momentum", [0.0, 0.4])
def test_it_updates_layers_and_biases_by_the_same_rule(momentum: float) -> None:
    """Dense gradients equal the definition on every row; sparse ones on the rows that were read."""
    torch.manual_seed(0)
    model = Mixed()
    exact, batches = copy.deepcopy(model).double(), [torch.tensor([3, 1, 3]), torch.tensor([7, 3]), torch.tensor([5])]
    [updates] = build_optimizers(model, Training(learner="adagrad_momentum", momentum=momentum))
    assert isinstance(updates, RowWise) and model.table.sparse
    totals = {name: torch.zeros_like(value) for name, value in exact.named_parameters()}
    velocities = copy.deepcopy(totals)
    for ids in batches:
        exact.zero_grad()
        exact(ids).backward()
        with torch.no_grad():
            for name, value in exact.named_parameters():
                assert value.grad is not None
                rows = ids.unique() if name == "table.weight" else ...
                totals[name][rows] += value.grad[rows] ** 2
                velocities[name][rows] = momentum * velocities[name][rows] - 0.05 * value.grad[rows] / (totals[name][rows] + 1e-6).sqrt()
                value[rows] += velocities[name][rows]
    steps(model, updates, batches)
    for ours, theirs in zip(model.parameters(), exact.parameters(), strict=True):
        torch.testing.assert_close(ours.double(), theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.4])
def test_it_resumes_exactly(momentum: float) -> None:
    training = Training(learner="adagrad_momentum", momentum=momentum)
    batches = [torch.tensor([3, 1, 3]), torch.tensor([7, 3]), torch.tensor([5])]
    torch.manual_seed(0)
    straight = Mixed()
    [updates] = build_optimizers(straight, training)
    steps(straight, updates, batches[:2])  # type: ignore[arg-type]
    resumed, remembered = copy.deepcopy(straight), copy.deepcopy(updates.state())
    steps(straight, updates, batches[2:])  # type: ignore[arg-type]
    [fresh] = build_optimizers(resumed, training)
    fresh.restore(remembered)
    steps(resumed, fresh, batches[2:])  # type: ignore[arg-type]
    for ours, theirs in zip(resumed.parameters(), straight.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_momentum_is_an_error_where_nothing_would_have_it() -> None:
    with pytest.raises(ValueError, match="no momentum"):
        Training(learner="adam", momentum=0.3)
    assert Training(learner="adagrad_momentum", momentum=0.3).momentum == 0.3
