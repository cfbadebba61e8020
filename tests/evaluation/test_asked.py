"""What a part is asked for, and what early stopping goes by."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from turret.core.errors import InputError
from turret.evaluation.asked import ask
from turret.evaluation.config import Evaluation
from turret.evaluation.metrics import CATALOGUE, LABELLED, Metric


def test_the_first_metric_decides_unless_a_weighted_sum_does() -> None:
    plain = ask(Evaluation(), "valid", ["logloss", "auc"], LABELLED, ("label",))
    assert plain.decides == Metric("logloss") and plain.decides.lower_is_better
    assert plain.completed({"auc": 0.5}) == {"auc": 0.5}
    weighed = ask(Evaluation(stop_on={"auc": 1, "logloss": -0.5}), "valid", ["auc", "mae"], LABELLED, ("label",))
    assert weighed.metrics == (Metric("auc"), Metric("mae"), Metric("logloss")), "each is measured, once"
    assert weighed.decides == Metric("stop_on") and not weighed.decides.lower_is_better
    assert weighed.completed({"auc": 0.75, "mae": 9.0, "logloss": 0.5})["stop_on"] == 0.5
    assert "stop_on" not in weighed.completed({"auc": 0.75}), "a sum without one of its terms is none"


def test_a_name_of_several_metrics_adds_all_of_them() -> None:
    weighed = ask(Evaluation(stop_on={"auc": 1, "buy.auc": 2}), "valid", ["click.logloss"], LABELLED, ("click", "buy"))
    assert weighed.weights == {"click.auc": 1, "buy.auc": 3}
    assert ask(Evaluation(stop_on={"recall": 1}, cutoff=(5, 10)), "valid", ["ndcg"], CATALOGUE).weights == {"recall@5": 1, "recall@10": 1}


def test_the_test_part_is_not_asked_for_what_stops_training() -> None:
    asked = ask(Evaluation(stop_on={"auc": 1}), "test", ["logloss"], LABELLED, ("label",))
    assert asked.metrics == (Metric("logloss"),) and not asked.weights


def test_nothing_stops_by_what_is_best_in_the_middle() -> None:
    for config, first in ((Evaluation(), "calibration"), (Evaluation(stop_on={"calibration": 1}), "auc")):
        with pytest.raises(InputError, match="best at 1"):
            ask(config, "valid", [first], LABELLED, ("label",))
    assert ask(Evaluation(), "valid", ["auc", "calibration"], LABELLED, ("label",)).decides == Metric("auc")


@pytest.mark.parametrize("wrong", [{}, {"auc": 0}, {"banana": 1}, {"auc": float("nan")}, {"auc": "much"}])
def test_weights_that_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Evaluation(stop_on=wrong)


def test_a_metric_of_another_kind_of_model_is_refused() -> None:
    with pytest.raises(InputError, match="does not fit"):
        ask(Evaluation(stop_on={"recall": 1}), "valid", ["auc"], LABELLED, ("label",))
