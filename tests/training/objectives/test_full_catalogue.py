from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from turret.core.context import Context, Encoded, Positives, Query, Reads
from turret.core.contracts import Step
from turret.nn.tables import Table
from turret.scorers.dot import Dot
from turret.training.objectives.full_catalogue import FullCatalogue


class Distance:
    """score(q, i) = -|q - i|^2."""

    def pairs(self, query: Tensor, items: Tensor) -> Tensor:
        return -(query[:, None] - items).square().sum(dim=2)

    def all(self, query: Tensor, items: Tensor) -> Tensor:
        return -(query[:, None] - items).square().sum(dim=2)


class TwoTables(nn.Module):
    reads = Reads(user=True)

    def __init__(self, scorer: Dot | Distance) -> None:
        super().__init__()
        self.users, self.items = Table(6, 4), Table(9, 4)
        self.scorer = scorer

    def encode(self) -> Encoded:
        return Encoded(self.items, self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        assert context.users is not None and encoded.users is not None
        vector = encoded.users[context.users]
        return Query(vector, {"size": vector.square().sum()})


def step(number: int) -> Step:
    return Step(number, torch.Generator())


@pytest.mark.parametrize("scorer", [Dot(), Distance()])
def test_mean_cross_entropy_and_its_gradients(scorer: Dot | Distance) -> None:
    model = TwoTables(scorer)
    users, target = torch.tensor([0, 5, 5]), torch.tensor([8, 0, 3])
    loss = FullCatalogue(penalties={"size": lambda number: 0.0})(model, Positives(Context(users), target), step(0))
    expected = F.cross_entropy(scorer.all(model.users[users], model.items.dense()), target)
    torch.testing.assert_close(loss, expected)
    parameters = list(model.parameters())
    torch.testing.assert_close(torch.autograd.grad(loss, parameters), torch.autograd.grad(expected, parameters))


@pytest.mark.parametrize("scorer", [Dot(), Distance()])
def test_targets_are_summed_and_queries_averaged(scorer: Dot | Distance) -> None:
    model = TwoTables(scorer)
    users = torch.tensor([1, 2])
    log_shares = F.log_softmax(scorer.all(model.users[users], model.items.dense()), dim=1)
    batch = Positives(Context(users), torch.tensor([0, 4, 7]), torch.tensor([0, 0, 1]), torch.tensor([1.0, 2.0, 0.5]))
    loss = FullCatalogue(penalties={"size": lambda number: 0.0})(model, batch, step(0))
    torch.testing.assert_close(loss, -(log_shares[0, 0] + 2 * log_shares[0, 4] + 0.5 * log_shares[1, 7]) / 2)


def test_penalties_follow_their_schedule() -> None:
    model = TwoTables(Dot())
    users = torch.tensor([1, 2])
    objective = FullCatalogue(penalties={"size": lambda number: number / 10})
    losses = [objective(model, Positives(Context(users), users), step(number)) for number in (0, 5)]
    torch.testing.assert_close(losses[1] - losses[0], 0.5 * model.users[users].square().sum())
