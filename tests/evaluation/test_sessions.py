"""Evaluation along sessions, against each event asked on its own with its history written out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from turret.batches.history import contexts_of
from turret.core.errors import InputError, UnsupportedError
from turret.data.prepared import Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.sessions import SessionEvaluator
from turret.models import catalogue

World = Callable[..., Prepared]
N_ITEMS = 6
ROWS = {
    "train": [(0, 0), (0, 1), (0, 2), (1, 3), (1, 3), (1, 5), (2, 4)],
    "valid": [(0, 5), (1, 2)],
    "fold_in": [(3, 1), (3, 4), (4, 6), (4, 0)],
    "test": [(0, 3), (0, 6), (0, 1), (1, 0), (3, 2), (3, 1), (4, 2)],
}
"""Item 6 is unknown to training, and so are users 3 and 4."""


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    torch.manual_seed(4)
    model = catalogue.load("gru4rec").GRU4Rec(N_ITEMS, (5, 4))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model.eval()


@pytest.fixture(scope="module")
def dataset(world: World) -> Prepared:
    return world(ROWS, 3, N_ITEMS, time_ordered=True)


def by_hand(model: torch.nn.Module, prepared: Prepared, known: tuple[str, ...], k: int) -> tuple[dict[int, list[float]], int]:
    """Reciprocal ranks within k of every event by user, and how many items unknown to training were asked for."""
    found: dict[int, list[float]] = {}
    vain = 0
    asked = {user for user, _ in ROWS["test"]}
    encoded = model.encode()
    for user in sorted(asked):
        history = [item for part in known for who, item in ROWS[part] if who == user]
        for target in [item for part in ("fold_in", "test") for who, item in ROWS[part] if who == user]:
            if target >= N_ITEMS:
                if history:
                    found.setdefault(user, []).append(0.0)
                    vain += 1
                continue
            if history:
                with torch.no_grad():
                    query = model.query(contexts_of([history], model.reads), encoded)
                    scores = model.scorer.all(query.vector, encoded.items.dense())[0]
                rank = 1 + int((scores > scores[target]).sum())
                found.setdefault(user, []).append(1 / rank if rank <= k else 0.0)
            history.append(target)
    return found, vain


@pytest.mark.parametrize(
    ("protocol", "rule", "known"),
    [
        ("next_item", "auto", ()),
        ("next_item_known", "auto", ("train", "valid")),
        ("next_item_known", "train", ("train",)),
    ],
)
@pytest.mark.parametrize("batch", [1, 2, 100])
def test_every_event_is_ranked_after_those_before_it(
    model: torch.nn.Module, dataset: Prepared, protocol: str, rule: str, known: tuple[str, ...], batch: int
) -> None:
    config = Evaluation(protocol=protocol, cutoff=(2,), test_metrics=("mrr", "recall"), eval_batch_size=batch, history_rule=rule)
    found = SessionEvaluator(dataset, "test", config)(model)
    expected, vain = by_hand(model, dataset, known, 2)
    events = [value for values in expected.values() for value in values]
    assert found.metrics["mrr@2"] == pytest.approx(np.mean(events))
    assert found.metrics["recall@2"] == pytest.approx(np.mean([value > 0 for value in events]))
    assert found.users.tolist() == list(expected)
    assert found.per_user["mrr@2"] == pytest.approx([np.mean(values) for values in expected.values()])
    assert found.weights is not None and found.weights.tolist() == [len(values) for values in expected.values()]
    assert (found.audience.truths, found.audience.truths_unseen) == (len(events), vain)
    assert SessionEvaluator(dataset, "test", config).measures(model) == pytest.approx(dict(found.metrics))


def test_the_validation_part_goes_on_from_training_alone(model: torch.nn.Module, dataset: Prepared) -> None:
    config = Evaluation(protocol="next_item_known", cutoff=(1,))
    assert SessionEvaluator(dataset, "valid", config).known is not None
    assert len(SessionEvaluator(dataset, "valid", config).known) == len(ROWS["train"])
    assert set(SessionEvaluator(dataset, "valid", config).measures(model)) == {"recall@1", "mrr@1", "ndcg@1"}
    weighed = SessionEvaluator(dataset, "valid", config.model_copy(update={"stop_on": {"recall": 1, "mrr@2": 1}}))
    assert set(weighed.measures(model)) == {"recall@1", "mrr@1", "ndcg@1", "mrr@2", "stop_on"} and str(weighed.decides) == "stop_on"


def test_an_absent_part_has_no_metrics(model: torch.nn.Module, world: World) -> None:
    empty = world({"train": ROWS["train"]}, 3, N_ITEMS)
    found = SessionEvaluator(empty, "test", Evaluation(protocol="next_item"))(model)
    assert found.metrics == {}
    assert found.audience.users == 0


def test_what_cannot_be_measured_is_refused(model: torch.nn.Module, dataset: Prepared) -> None:
    with pytest.raises(InputError, match="does not fit"):
        SessionEvaluator(dataset, "test", Evaluation(protocol="next_item", test_metrics=("coverage",)))
    with pytest.raises(InputError, match="evaluated on"):
        SessionEvaluator(dataset, "train", Evaluation(protocol="next_item"))
    with pytest.raises(InputError, match="the valid part asks for nothing"):
        SessionEvaluator(dataset, "valid", Evaluation(protocol="next_item"))
    with pytest.raises(UnsupportedError, match="item by item"):
        SessionEvaluator(dataset, "test", Evaluation(protocol="next_item"))(torch.nn.Linear(2, 2))
