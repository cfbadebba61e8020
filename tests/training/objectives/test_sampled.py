"""The sampled objective, on scores that can be written down."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from turret.core.context import Context, Positives
from turret.core.contracts import Step
from turret.losses.sampled import bpr, sampled_softmax
from turret.models.general.bpr import BPR
from turret.sampling.in_batch import InBatch
from turret.sampling.uniform import Uniform
from turret.training.objectives.sampled import Sampled


@pytest.fixture
def model() -> BPR:
    torch.manual_seed(0)
    model = BPR(n_users=3, n_items=4, embed_dim=5)
    for table in (model.users, model.items):
        torch.nn.init.normal_(table.weight)
    return model


def step() -> Step:
    return Step(0, torch.Generator().manual_seed(0))


def test_in_batch_negatives_leave_out_the_right_item_wherever_it_stands(model: BPR) -> None:
    users, target, counts = [0, 1, 2], [3, 1, 3], np.array([1, 2, 3, 4])
    scores = (model.users.weight @ model.items.weight.T).detach().double().numpy()
    expected = []
    for user, right in zip(users, target, strict=True):
        others = [scores[user, item] - math.log(counts[item] / 10) - math.log(3) for item in target if item != right]
        total = math.exp(scores[user, right]) + sum(map(math.exp, others))
        expected.append(math.log(total) - scores[user, right])
    batch = Positives(Context(users=torch.tensor(users)), torch.tensor(target))
    loss = Sampled(sampled_softmax, InBatch(counts))(model, batch, step())
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-5)
    loss.backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


def test_rows_and_weights_of_targets_are_followed(model: BPR) -> None:
    """Two targets of one query and one of another, the last three times as heavy, are three plain rows in these shares."""
    sampler = Uniform(4, 1)
    batch = Positives(
        Context(users=torch.tensor([2, 0])), torch.tensor([1, 2, 3]), rows=torch.tensor([0, 0, 1]), weight=torch.tensor([1.0, 1.0, 3.0])
    )
    single = Positives(Context(users=torch.tensor([2, 2, 0])), torch.tensor([1, 2, 3]))
    draws = sampler(single.context, single.target, None, None, step().generator)  # type: ignore[arg-type]
    scores = model.users.weight[[2, 2, 0]] @ model.items.weight.T
    rows = torch.arange(3)
    losses = bpr(scores[rows, single.target], scores[rows, draws.items[:, 0]][:, None], draws.log_q)
    expected = (losses * torch.tensor([1.0, 1.0, 3.0])).sum() / 5
    torch.testing.assert_close(Sampled(bpr, sampler)(model, batch, step()), expected)
