"""The linear term over the one-hot vector x: a 1 for a category, 1/n for each of a set of n, the number itself."""

from __future__ import annotations

import pytest
import torch

from turret.core.context import Impressions
from turret.core.features import Categorical, Schema, Tags
from turret.nn.linear_term import LinearTerm

SCHEMA = Schema((Categorical("first", 4), Categorical("second", 3)), (Tags("tags", 5),), ("number",))
IMPRESSIONS = Impressions(
    tokens=torch.tensor([[0, 2], [3, 1]]),
    floats=torch.tensor([[0.5], [-2.0]], dtype=torch.float64),
    sets={"tags": (torch.tensor([[1, 2], [4, 0]]), torch.tensor([[True, True], [True, False]]))},
    labels=torch.zeros(2, 1),
)


def test_is_a_bias_and_a_weighted_sum() -> None:
    term = LinearTerm(SCHEMA, 1.0).double()
    torch.nn.init.normal_(term.first_order.weights.table.weight)
    torch.nn.init.constant_(term.bias, 0.25)
    w = term.first_order.weights.table.weight.flatten().tolist()
    one = 0.25 + w[0] + w[4 + 2] + (w[7 + 1] + w[7 + 2]) / 2 + 0.5 * w[12]
    other = 0.25 + w[3] + w[4 + 1] + w[7 + 4] - 2.0 * w[12]
    assert term(IMPRESSIONS).tolist() == [[pytest.approx(one, abs=1e-12)], [pytest.approx(other, abs=1e-12)]]


def test_the_bias_begins_at_zero() -> None:
    assert LinearTerm(SCHEMA, 1.0).bias.tolist() == [0.0]
