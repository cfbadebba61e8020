"""The sampled objective, on scores that can be written down."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from turret.core.context import Context, PerRow, Positives
from turret.core.contracts import Step, Targets
from turret.losses.pairwise import bpr
from turret.losses.sampled import sampled_softmax
from turret.nn.two_tables import TwoTables
from turret.sampling.frequency import Counted
from turret.sampling.in_batch import InBatch
from turret.sampling.uniform import Uniform
from turret.scorers.dot import Dot
from turret.training.objectives.sampled import Sampled


@pytest.fixture
def model() -> TwoTables:
    torch.manual_seed(0)
    model = TwoTables(n_users=3, n_items=4, embed_dim=5, scorer=Dot())
    for table in (model.users, model.items):
        torch.nn.init.normal_(table.weight)
    return model


def step() -> Step:
    return Step(0, torch.Generator().manual_seed(0))


def test_in_batch_negatives_leave_out_the_right_item_wherever_it_stands(model: TwoTables) -> None:
    users, target, counts = [0, 1, 2], [3, 1, 3], np.array([1, 2, 3, 4])
    scores = (model.users.weight @ model.items.weight.T).detach().double().numpy()
    expected = []
    for user, right in zip(users, target, strict=True):
        others = [scores[user, item] - math.log(counts[item] / 10) - math.log(3) for item in target if item != right]
        total = math.exp(scores[user, right]) + sum(map(math.exp, others))
        expected.append(math.log(total) - scores[user, right])
    batch = Positives(Context(users=torch.tensor(users)), torch.tensor(target))
    loss = Sampled(sampled_softmax, InBatch(Counted(counts)))(model, batch, step())
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-5)
    loss.backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


def test_rows_and_weights_of_targets_are_followed(model: TwoTables) -> None:
    """Two targets of one query and one of another, the last three times as heavy: summed, and divided by two queries."""
    sampler = Uniform(4, 1)
    batch = Positives(
        Context(users=torch.tensor([2, 0])), torch.tensor([1, 2, 3]), rows=torch.tensor([0, 0, 1]), weight=torch.tensor([1.0, 1.0, 3.0])
    )
    vectors, rows = model.users.weight[[2, 2, 0]], torch.arange(3)
    targets = Targets(batch.target, torch.tensor([2, 2, 0]), vectors.detach(), model.encode(), model.scorer)
    draws = sampler(targets, step()).items[:, 0]
    scores = vectors @ model.items.weight.T
    losses = -torch.nn.functional.logsigmoid(scores[rows, batch.target] - scores[rows, draws])
    kept = draws != batch.target
    expected = (losses * kept * torch.tensor([1.0, 1.0, 3.0])).sum() / 2
    torch.testing.assert_close(Sampled(bpr, sampler)(model, batch, step()), expected)


def test_what_is_masked_competes_with_nothing(model: TwoTables) -> None:
    class Masking:
        def __call__(self, targets: Targets, step: Step) -> PerRow:
            return PerRow(torch.tensor([[0, 1], [2, 0]]), torch.zeros(1, 1), torch.tensor([[True, False], [False, False]]))

    batch = Positives(Context(users=torch.tensor([0, 1])), torch.tensor([3, 3]))
    scores = model.users.weight[0] @ model.items.weight.T
    expected = -torch.nn.functional.logsigmoid(scores[3] - scores[0]) / 2
    torch.testing.assert_close(Sampled(bpr, Masking())(model, batch, step()), expected)
