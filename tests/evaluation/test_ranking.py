"""Rankers on the impressions of a part."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.core.context import Impressions, Reads
from turret.core.errors import InputError, TurretError
from turret.core.features import Categorical, Schema
from turret.data.prepared import Prepared
from turret.evaluation import ranking
from turret.evaluation.config import Evaluation
from turret.evaluation.metrics import Metric
from turret.evaluation.ranking import RankerEvaluator
from turret.evaluation.significance import compare


class Remembers(nn.Module):
    """The logit of (user, item) from a table; tokens are ids + 1. Without users all are user 0."""

    reads = Reads()

    def __init__(self, logits: Tensor, tasks: int = 1) -> None:
        super().__init__()
        self.logits, self.n_tasks, self.batches = nn.Parameter(logits), tasks, list[int]()

    def forward(self, impressions: Impressions) -> Tensor:
        self.batches.append(len(impressions))
        items = impressions.tokens[:, -1]
        users = impressions.tokens[:, 0] if impressions.tokens.shape[1] > 1 else torch.zeros_like(items)
        return self.logits[users, items][:, None].expand(-1, self.n_tasks)


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


ALL = ("auc", "gauc", "logloss", "ne", "rig", "calibration", "rmse", "mae")


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
    with pytest.raises(ValueError, match="do not fit 200 impressions with labels for label"):
        RankerEvaluator(prepared, "test", Evaluation()).measures(Remembers(torch.tensor(logits), tasks=2))
    with pytest.raises(TurretError, match="no finite numbers in 200 of rows 1 to 200 of the test part: 1, 2, 3, 4, 5 and 195 others"):
        RankerEvaluator(prepared, "test", Evaluation()).measures(Remembers(torch.tensor(logits) * torch.nan))
    with pytest.raises(InputError, match="there is no task 'buy'"):
        RankerEvaluator(prepared, "test", Evaluation(test_metrics="buy.auc"))
    with pytest.raises(InputError, match="Did you mean item"):
        RankerEvaluator(prepared, "test", Evaluation(slices="itme"))
    with pytest.raises(InputError, match="no gauc here: auc_bins keeps no impressions"):
        RankerEvaluator(prepared, "test", Evaluation(test_metrics="gauc", auc_bins=10))


def test_a_weighted_sum_of_measures_stops_training(world: Callable[..., Prepared]) -> None:
    prepared, logits, _, _ = impressions(world)
    shown = replace(prepared, parts=prepared.parts | {"valid": prepared.parts["test"]})
    evaluator = RankerEvaluator(shown, "valid", Evaluation(val_metrics="mae", stop_on={"auc": 1, "logloss": -2}))
    found = evaluator.measures(Remembers(torch.tensor(logits)))
    assert list(found) == ["mae", "auc", "logloss", "stop_on"] and str(evaluator.decides) == "stop_on"
    assert found["stop_on"] == pytest.approx(found["auc"] - 2 * found["logloss"])


def test_in_bins_all_but_the_auc_is_as_it_was(world: Callable[..., Prepared]) -> None:
    prepared, logits, _, _ = impressions(world)
    asked = ("auc", "logloss", "rig", "ece")
    exact, counted = (
        RankerEvaluator(prepared, "test", Evaluation(test_metrics=asked, eval_batch_size=64, auc_bins=bins, slices="item"))(
            Remembers(torch.tensor(logits))
        )
        for bins in (None, 50)
    )
    assert list(counted.metrics) == ["auc", "auc_error", "logloss", "rig", "ece"] and "auc_error" not in exact.metrics
    assert 0 < abs(counted.metrics["auc"] - exact.metrics["auc"]) <= counted.metrics["auc_error"] < 0.05
    for name in ("logloss", "rig"):
        assert counted.metrics[name] == exact.metrics[name] and counted.intervals[name] == exact.intervals[name]
    assert "auc" not in counted.intervals and "ece" not in exact.intervals and "auc" in exact.intervals
    for kind, groups in exact.groups.items():
        for group, values in groups.items():
            kept = {name: value for name, value in values.items() if name not in ("auc", "ece")}
            assert counted.groups[kind][group] == pytest.approx(kept)
    assert RankerEvaluator(prepared, "test", Evaluation(auc_bins=50)).asked.metrics == (Metric("auc"), Metric("logloss"))


def test_a_log_without_users(world: Callable[..., Prepared]) -> None:
    generator = np.random.default_rng(1)
    items, labels = generator.integers(0, 5, 3000), generator.integers(0, 2, 3000)
    rows = {part: [(0, int(item)) for item in items] for part in ("train", "test")}
    prepared = world(rows, 0, 5, label={"train": labels.tolist(), "test": labels.tolist()})
    logits = np.random.default_rng(2).normal(size=(11, 6))
    found = RankerEvaluator(prepared, "test", Evaluation())(Remembers(torch.tensor(logits)))
    assert list(found.metrics) == ["auc", "logloss"] and found.units == "groups of rows" and not found.groups
    assert len(found.users) == 1000 and found.weights is not None and found.weights.tolist() == [3.0] * 1000
    assert found.audience.users == 0 and found.audience.without_history == 0 and found.audience.truths == 3000
    z = logits[0, items + 1]
    losses = np.logaddexp(0, np.where(labels == 1, -z, z))
    assert found.metrics["logloss"] == pytest.approx(losses.mean(), abs=1e-6)
    low, high = found.intervals["logloss"]
    assert (high - low) / 2 == pytest.approx(1.96 * losses.std() / math.sqrt(3000), rel=0.15), "as for independent rows"
    with pytest.raises(InputError, match="knows no users"):
        RankerEvaluator(prepared, "test", Evaluation(test_metrics="gauc"))
    with pytest.raises(InputError, match="by groups of rows; 0123 test, protocol impressions, by users"):
        compare(found, replace(found, units="users"))


class Several:
    """Impressions with two labels each, as `ImpressionBatches` gives them."""

    schema = Schema(categorical=(Categorical("user", 11), Categorical("item", 6)), tasks=("click", "buy"))

    def __init__(self, prepared: Prepared, batch_size: int, part: str, reads: Reads) -> None:
        log = prepared.interactions(part)
        tokens = np.stack([np.where(log.user < 10, log.user + 1, 0), log.item + 1], axis=1)
        self.tokens, self.size = torch.tensor(tokens, dtype=torch.int64), batch_size
        self.labels = torch.stack([torch.tensor(log.label), (torch.arange(len(log)) % 3 == 0).float()], dim=1)

    def __len__(self) -> int:
        return len(self.tokens)

    def in_order(self, device: torch.device) -> Iterator[Impressions]:
        for rows in torch.arange(len(self)).split(self.size):
            yield Impressions(self.tokens[rows], torch.empty(len(rows), 0), {}, self.labels[rows])


class Both(Remembers):
    """A second task whose logit is the first one's, upside down."""

    def forward(self, impressions: Impressions) -> Tensor:
        return super().forward(impressions) * torch.tensor([1.0, -1.0])


def test_several_tasks(world: Callable[..., Prepared], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "ImpressionBatches", Several)
    prepared, logits, z, y = impressions(world)
    bought = (np.arange(200) % 3 == 0).astype(float)
    config = Evaluation(test_metrics="buy.auc,auc,logloss", slices="item", eval_batch_size=70, stop_on={"click.auc": 1})
    found = RankerEvaluator(prepared, "test", config)(Both(torch.tensor(logits)))
    assert list(found.metrics) == ["buy.auc", "click.auc", "click.logloss", "buy.logloss"] == list(found.per_user)

    def area(scores: np.ndarray, labels: np.ndarray) -> float:
        return float(np.mean([(one > zero) + (one == zero) / 2 for one in scores[labels == 1] for zero in scores[labels == 0]]))

    assert found.metrics["click.auc"] == pytest.approx(area(z, y)) and found.metrics["buy.auc"] == pytest.approx(area(-z, bought))
    rows = np.asarray(prepared.interactions("test").item) == 2
    assert found.groups["item"]["2"] == pytest.approx(
        {
            "impressions": rows.sum(),
            "buy.auc": area(-z[rows], bought[rows]),
            "click.auc": area(z[rows], y[rows]),
            "click.logloss": np.logaddexp(0, np.where(y == 1, -z, z))[rows].mean(),
            "buy.logloss": np.logaddexp(0, np.where(bought == 1, z, -z))[rows].mean(),
        },
        abs=1e-6,
    )
    assert list(found.reliability) == ["click", "buy"]
    alone = RankerEvaluator(prepared, "test", Evaluation(test_metrics="auc"), tasks=("buy",))(Remembers(-torch.tensor(logits)))
    assert dict(alone.metrics) == pytest.approx({"auc": area(-z, bought)}), "a model of one task alone needs no naming"
    with pytest.raises(InputError, match="The tasks are: click, buy"):
        RankerEvaluator(prepared, "test", Evaluation(test_metrics="sell.auc"))


def test_slices_of_a_feature(world: Callable[..., Prepared]) -> None:
    generator = np.random.default_rng(3)
    items = np.minimum(generator.geometric(0.12, 4000) - 1, 29)
    rows = {"train": [(user, item) for user in range(3) for item in range(28)], "test": [(0, int(item)) for item in items]}
    labels = generator.integers(0, 2, 4000)
    prepared = world(rows, 3, 28, label={"train": [1] * 84, "test": labels.tolist()})
    model = Remembers(torch.tensor(generator.normal(size=(4, 29))))
    found = RankerEvaluator(prepared, "test", Evaluation(slices="item,user", by_group=False))(model)
    assert list(found.groups) == ["item", "user"] and list(found.groups["user"]) == ["0"]
    sizes = np.bincount(items, minlength=30)
    slices = found.groups["item"]
    most = np.argsort(-sizes[:28], kind="stable")[:20]
    assert list(slices) == [*(str(item) for item in most), "other", "unknown"]
    assert slices["other"]["impressions"] == sizes[:28].sum() - sizes[most].sum() and slices["unknown"]["impressions"] == sizes[28:].sum()
    assert sum(values["impressions"] for values in slices.values()) == 4000
    assert slices["0"].keys() == {"impressions", "auc", "logloss"} and slices["0"]["auc"] == 0.5, "one logit for all"


def test_labels_that_are_no_answers_are_measured_as_numbers(world: Callable[..., Prepared]) -> None:
    prepared, *_ = impressions(world)
    parts = {
        name: replace(part, labels={"label": np.arange(len(part.interactions), dtype=np.float32)}) for name, part in prepared.parts.items()
    }
    ratings = replace(prepared, parts=parts)
    assert [metric.name for metric in RankerEvaluator(ratings, "test", Evaluation()).asked.metrics] == ["rmse", "mae"]
    assert [metric.name for metric in RankerEvaluator(prepared, "test", Evaluation()).asked.metrics] == ["auc", "gauc", "logloss"]
