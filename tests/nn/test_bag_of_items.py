"""Against torch's linear layer on dense rows."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from turret.core.context import History
from turret.nn.bag_of_items import BagOfItems

HISTORIES = [[0, 3, 4], [1], [2, 5, 6, 0], []]
N_ITEMS = 7


def history(histories: list[list[int]], filler: int = 0, extra: int = 0) -> History:
    width = max(len(items) for items in histories) + extra
    items = torch.tensor([items + [filler] * (width - len(items)) for items in histories])
    return History(items, torch.tensor([[step < len(row) for step in range(width)] for row in histories]))


def multi_hot(histories: list[list[int]]) -> Tensor:
    x = torch.zeros(len(histories), N_ITEMS, dtype=torch.float64)
    for row, items in enumerate(histories):
        x[row, items] = 1
    return x


@pytest.fixture
def layer() -> BagOfItems:
    torch.manual_seed(0)
    layer = BagOfItems(N_ITEMS, 5).double()
    torch.nn.init.normal_(layer.bias)
    return layer


@pytest.mark.parametrize("asked", [history(HISTORIES), history([[0, 3, 4, 3], *HISTORIES[1:]], filler=6, extra=2)])
def test_is_a_linear_layer_on_rows_of_length_one(layer: BagOfItems, asked: History) -> None:
    """In value and gradient; an item chosen twice counts once, padding not at all."""
    expected = F.linear(F.normalize(multi_hot(HISTORIES), dim=1), layer.weights.weight.T, layer.bias)
    found = layer(asked)
    torch.testing.assert_close(found, expected)
    for gradient, other in zip(
        torch.autograd.grad(found.square().sum(), list(layer.parameters())),
        torch.autograd.grad(expected.square().sum(), list(layer.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(gradient, other)


def test_dropout_leaves_the_mean_and_nothing_else(layer: BagOfItems) -> None:
    asked = history([HISTORIES[2]] * 5_000)
    settled = layer(asked)[0]
    torch.manual_seed(0)
    drawn = layer(asked, 0.5)
    error = (drawn.mean(dim=0) - settled).abs() / (drawn.std(dim=0) / len(drawn) ** 0.5)
    assert error.max() < 4
    assert len(drawn.unique(dim=0)) == 2 ** len(HISTORIES[2])
