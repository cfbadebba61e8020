"""Metrics by name, and settings that make no sense together."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from turret.core.errors import InputError
from turret.evaluation.config import Evaluation
from turret.evaluation.metrics import CATALOGUE, LABELLED, LISTED, RANKED, Metric, of_tasks, parse


def test_names_with_and_without_cutoffs() -> None:
    assert parse(["recall", "NDCG@20", "recall@10", "auc"], [5, 10]) == [
        Metric("recall", 5),
        Metric("recall", 10),
        Metric("ndcg", 20),
        Metric("auc"),
    ]
    assert [str(metric) for metric in parse(["hit@3", "logloss"], [10])] == ["hit@3", "logloss"]
    every = parse((*RANKED, *LISTED, "auc"), [1], CATALOGUE)
    assert len(every) == len(CATALOGUE) and len(parse(LABELLED, [1], LABELLED)) == len(LABELLED)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("recal@10", "did you mean recall@10?"),
        ("ndgc", "did you mean ndcg?"),
        ("banana", "The metrics are: recall"),
        ("recall@", "no positive whole number"),
        ("recall@0", "no positive whole number"),
        ("recall@-1", "no positive whole number"),
        ("recall@1.5", "no positive whole number"),
        ("recall@ten", "no positive whole number"),
        ("auc@10", "has no cutoff"),
        ("buy.auk", "did you mean buy.auc?"),
        ("buy.recall@5", "Write recall@5"),
        (".auc", "not of a task"),
        ("buy.auc@3", "has no cutoff"),
    ],
)
def test_names_that_are_none(name: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        parse([name], [10])
    assert message in str(refused.value)
    with pytest.raises(ValidationError):
        Evaluation(val_metrics=[name])


def test_metrics_of_another_kind_of_model() -> None:
    with pytest.raises(InputError, match="does not fit"):
        parse(["recall"], [10], LABELLED)


def test_metrics_of_tasks() -> None:
    asked = parse(["auc", "Buy.LogLoss", "buy.auc"], [10], LABELLED)
    assert asked == [Metric("auc"), Metric("logloss", task="Buy"), Metric("auc", task="buy")]
    assert [str(metric) for metric in of_tasks(parse(["auc", "buy.ne"], [10]), ("click", "buy"))] == ["click.auc", "buy.auc", "buy.ne"]
    assert [str(metric) for metric in of_tasks(parse(["auc", "buy.auc", "buy.ne"], [10]), ("buy",))] == ["auc", "ne"], "one needs no naming"
    assert of_tasks(parse(["a.b.auc"], [10]), ("a.b", "c")) == [Metric("auc", task="a.b")]
    with pytest.raises(InputError, match="The tasks are: click, buy"):
        of_tasks(parse(["sell.auc"], [10]), ("click", "buy"))
    with pytest.raises(InputError, match="has no tasks"):
        of_tasks(parse(["buy.auc"], [10]), ())


def test_settings_from_text_and_numbers() -> None:
    assert Evaluation(cutoff=20).cutoff == Evaluation(cutoff="20").cutoff == (20,)
    assert Evaluation(cutoff="5, 10", val_metrics="recall,ndcg").val_metrics == ("recall", "ndcg")


@pytest.mark.parametrize(
    "wrong", [{"cutoff": []}, {"cutoff": 0}, {"topk": 9}, {"topk": 10, "test_metrics": "ndcg@20"}, {"ties": "random"}, {"cutof": 10}]
)
def test_settings_that_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Evaluation(**wrong)
