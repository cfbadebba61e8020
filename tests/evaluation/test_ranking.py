"""Rankers on the impressions of a part."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.core.context import Impressions
from turret.core.errors import InputError, UnsupportedError
from turret.data.prepared import Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.ranking import RankerEvaluator
from turret.evaluation.significance import compare


class Remembers(nn.Module):
    """The logit of (user, item) from a table; tokens are ids + 1."""

    def __init__(self, logits: Tensor, tasks: int = 1) -> None:
        super().__init__()
        self.logits, self.tasks, self.batches = nn.Parameter(logits), tasks, list[int]()

    def forward(self, impressions: Impressions) -> Tensor:
        self.batches.append(len(impressions))
        users, items = impressions.tokens[:, 0], impressions.tokens[:, 1]
        return self.logits[users, items][:, None].expand(-1, self.tasks)


def impressions(world: Callable[..., Prepared], seed: int = 0) -> tuple[Prepared, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    train = [(user, item) for user in range(10) for item in range(5)]
    test = sorted((int(user), int(item)) for user, item in generator.integers(0, [12, 5], (200, 2)))
    labels = {"train": generator.integers(0, 2, len(train)).tolist(), "test": generator.integers(0, 2, len(test)).tolist()}
    prepared = world({"train": train, "test": test}, 10, 5, label=labels)
    logits = generator.normal(size=(11, 6)).round(1)
    table = prepared.interactions("test")
    known = np.where(table.user < 10, table.user + 1, 0)
    return prepared, logits, logits[known, table.item + 1], np.asarray(table.label, dtype=float)


ALL = ("auc", "gauc", "logloss", "rmse", "mae")


def test_metrics_intervals_and_groups(world: Callable[..., Prepared]) -> None:
    prepared, logits, z, y = impressions(world)
    model = Remembers(torch.tensor(logits))
    found = RankerEvaluator(prepared, "test", Evaluation(test_metrics=ALL, eval_batch_size=33))(model)
    assert max(model.batches) == 33 and sum(model.batches) == 200
    p = 1 / (1 + np.exp(-z))
    pairs = [(one > zero) + (one == zero) / 2 for one in z[y == 1] for zero in z[y == 0]]
    expected = {
        "auc": np.mean(pairs),
        "logloss": -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)),
        "rmse": np.sqrt(np.mean((p - y) ** 2)),
        "mae": np.mean(np.abs(p - y)),
    }
    assert {name: found.metrics[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert 0 < found.metrics["gauc"] < 1
    for name in ALL:
        low, high = found.intervals[name]
        assert low < found.metrics[name] < high
    assert found.audience.users == 12 and found.audience.truths == 200 and found.audience.without_history == 2
    assert sum(group["users"] for group in found.groups["user_activity"].values()) == 12
    assert found.groups["user_activity"]["unseen"]["users"] == 2
    assert compare(found, found, samples=50)[0].randomisation == 1.0


def test_validation_gives_the_metrics_alone(world: Callable[..., Prepared]) -> None:
    prepared, logits, _, _ = impressions(world)
    evaluator = RankerEvaluator(prepared, "test", Evaluation())
    model = Remembers(torch.tensor(logits)).train()
    assert evaluator.measures(model) == dict(evaluator(model).metrics) and model.training
    assert str(evaluator.decides) == "auc" and list(evaluator.measures(model)) == ["auc", "gauc", "logloss"]


def test_an_empty_part_has_no_metrics(world: Callable[..., Prepared]) -> None:
    prepared = world({"train": [(0, 0)], "test": []}, 1, 1, label={"train": [1], "test": []})
    found = RankerEvaluator(prepared, "test", Evaluation())(Remembers(torch.zeros(2, 2)))
    assert found.metrics == {} and found.intervals == {} and found.audience.users == 0


def test_what_cannot_be_evaluated_is_said(world: Callable[..., Prepared]) -> None:
    prepared, logits, _, _ = impressions(world)
    with pytest.raises(InputError, match="does not fit"):
        RankerEvaluator(prepared, "test", Evaluation(test_metrics="recall"))
    with pytest.raises(InputError, match="valid or test"):
        RankerEvaluator(prepared, "train", Evaluation())
    with pytest.raises(InputError, match="no labels"):
        RankerEvaluator(world({"train": [(0, 0)], "test": [(0, 1)]}, 1, 2), "test", Evaluation())
    with pytest.raises(InputError, match="no valid part"):
        RankerEvaluator(prepared, "valid", Evaluation())
    with pytest.raises(UnsupportedError, match="one task"):
        RankerEvaluator(prepared, "test", Evaluation()).measures(Remembers(torch.tensor(logits), tasks=2))
