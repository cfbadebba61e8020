"""Alignment and uniformity against their definitions, pair by pair."""

from __future__ import annotations

import math

import pytest
import torch

from turret.core.context import Context, Positives
from turret.core.contracts import Step
from turret.nn.two_tables import TwoTables
from turret.scorers.dot import Dot
from turret.training.objectives.alignment import AlignmentUniformity


def unit(vector: list[float]) -> list[float]:
    norm = math.sqrt(sum(value * value for value in vector))
    return [value / norm for value in vector]


def apart(vectors: list[list[float]]) -> float:
    """The logarithm of the mean of exp(-2 |x - y|^2) over all pairs."""
    terms = [math.exp(-2 * math.dist(one, other) ** 2) for n, one in enumerate(vectors) for other in vectors[n + 1 :]]
    return math.log(sum(terms) / len(terms))


def test_the_loss_is_that_of_the_paper() -> None:
    torch.manual_seed(0)
    model = TwoTables(4, 5, 3, Dot(), std=1.0)
    users, items = [0, 3, 1, 0], [2, 2, 4, 1]
    batch = Positives(Context(users=torch.tensor(users)), torch.tensor(items))
    queries = [unit(model.users.weight[user].tolist()) for user in users]
    chosen = [unit(model.items.weight[item].tolist()) for item in items]
    near = sum(math.dist(query, item) ** 2 for query, item in zip(queries, chosen, strict=True)) / 4
    expected = near + 0.7 * (apart(queries) + apart(chosen)) / 2
    loss = AlignmentUniformity(0.7)(model, batch, Step(0, torch.Generator()))
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())
