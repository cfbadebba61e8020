"""Rules for the losses of several tasks, against hand-computed values and against GradNorm's algorithm done by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.nn.balance import balance
from turret.nn.tables import Table

LOSSES = [0.5, 2.0, 1.0]


def test_the_sum() -> None:
    assert balance("sum", 3, 1.5)(torch.tensor(LOSSES), []) == 3.5


def test_uncertainty_by_hand() -> None:
    rule = balance("uncertainty", 2, 1.5)
    losses = torch.tensor([0.5, 2.0], requires_grad=True)
    assert float(rule(losses, []).detach()) == 2.5
    with torch.no_grad():
        rule.log_variance.copy_(torch.tensor([np.log(4.0), np.log(0.25)]))
    total = rule(losses, [])  # 0.5 / 4 + log 2 and 2 / 0.25 - log 2
    assert float(total.detach()) == pytest.approx(0.125 + 8)
    of_losses, of_log_variance = torch.autograd.grad(total, [losses, rule.log_variance])
    torch.testing.assert_close(of_losses, torch.tensor([0.25, 4.0]))
    torch.testing.assert_close(of_log_variance, torch.tensor([-0.125 + 0.5, -8 + 0.5]))  # 0 where sigma^2 is twice the loss


def linear_tasks(w: Tensor, number: int) -> Tensor:
    """Three losses of four shared weights at a step; their gradients are known: 2 (w . x - y) x."""
    x = np.random.default_rng(number).normal(size=(3, 4))
    return (torch.from_numpy(x) @ w - torch.tensor(LOSSES, dtype=torch.float64)).square()


def weights_of(logits: np.ndarray) -> np.ndarray:
    return 3 * np.exp(logits) / np.exp(logits).sum()


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.5])
def test_gradnorm_is_its_algorithm(alpha: float) -> None:
    """Three steps; the gradient of L_grad by finite differences, with the target held constant as the algorithm says."""
    rule = balance("gradnorm", 3, alpha).double()
    start = np.array([0.3, -0.2, 0.1])
    with torch.no_grad():
        rule.logits.copy_(torch.from_numpy(start))
    shared = torch.tensor([0.4, -1.0, 0.7, 0.2], dtype=torch.float64, requires_grad=True)
    first = linear_tasks(shared, 0).detach().numpy()
    for number in range(3):
        losses = linear_tasks(shared, number)
        total = rule(losses, [shared])
        of_shared, of_logits = torch.autograd.grad(total, [shared, rule.logits])
        x, value = np.random.default_rng(number).normal(size=(3, 4)), losses.detach().numpy()
        gradients = 2 * (x @ shared.detach().numpy() - LOSSES)[:, None] * x
        norms = np.linalg.norm(gradients, axis=1)
        rate = value / first / (value / first).mean()
        target = (weights_of(start) * norms).mean() * rate**alpha

        def apart(logits: np.ndarray, norms: np.ndarray = norms, target: np.ndarray = target) -> float:
            return float(np.abs(weights_of(logits) * norms - target).sum())

        step = 1e-6 * np.eye(3)
        expected = [(apart(start + each) - apart(start - each)) / 2e-6 for each in step]
        np.testing.assert_allclose(of_logits.numpy(), expected, atol=1e-7)
        np.testing.assert_allclose(of_shared.numpy(), weights_of(start) @ gradients, atol=1e-12)
        assert float(total.detach()) == pytest.approx(weights_of(start) @ value)
    torch.testing.assert_close(rule.first, torch.from_numpy(first))


def test_gradnorm_of_a_table_with_sparse_gradients() -> None:
    ids = torch.tensor([1, 1, 4])
    found = []
    for sparse in (False, True):
        torch.manual_seed(0)
        table, rule = Table(6, 2), balance("gradnorm", 2, 1.0)
        table.sparse = sparse
        rows = table[ids]
        total = rule(torch.stack([rows.square().sum(), rows.sum().square()]), [table.weight])
        found.append(torch.autograd.grad(total, rule.logits)[0])
    assert found[0].any()
    torch.testing.assert_close(found[0], found[1])


def test_gradnorm_without_gradients_is_a_weighted_sum() -> None:
    rule = balance("gradnorm", 2, 1.5)
    with torch.no_grad():
        assert float(rule(torch.tensor([1.0, 2.0]), [])) == 3.0
    assert not rule.first.any()


def test_gradnorm_brings_gradients_to_one_size() -> None:
    """Two quadratic losses, one with gradients a hundred times the other's: with alpha 0 the weights make up for it."""
    rule = balance("gradnorm", 2, 0.0)
    shared, optimizer = torch.ones(3, requires_grad=True), torch.optim.Adam(rule.parameters(), 0.05)
    for _ in range(300):
        losses = torch.stack([100 * shared.square().sum(), shared.sum().square() / 3])
        optimizer.zero_grad()
        rule(losses, [shared]).backward()
        optimizer.step()
    weights = 2 * torch.softmax(rule.logits.detach(), dim=0)
    assert float(weights[1] / weights[0]) == pytest.approx(100, rel=0.1)
