"""What is no finite number never ranks, never counts and is never written down: it is missed, or it is said."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from turret.core.context import Impressions, Reads
from turret.core.errors import TurretError
from turret.data.prepared import Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluated import Evaluated
from turret.evaluation.evaluator import Evaluator, Unscored
from turret.evaluation.finite import finite_predictions
from turret.evaluation.labelled import weighted_means
from turret.evaluation.protocols import BiasedProtocol
from turret.evaluation.ranking import RankerEvaluator

World = Callable[..., Prepared]
Scores = Callable[..., object]
Rows = tuple[list[list[float]], list[tuple[int, int]], list[tuple[int, int]]]
SCORES = st.sampled_from([-math.inf, -1e30, -2.0, 0.0, 1.0, 3.5, 1e30, math.nan, math.inf])
METRICS = ("recall", "precision", "ndcg", "mrr", "map", "auc", "coverage")
NOTES = ("ignore::turret.evaluation.evaluator.Unscored", "ignore::turret.evaluation.protocols.BiasedProtocol")


@st.composite
def drawn(draw: st.DrawFn) -> Rows:
    """Scores of users and items, and who had and has which of them."""
    users, items = draw(st.integers(1, 4)), draw(st.integers(2, 9))
    scores = draw(st.lists(st.lists(SCORES, min_size=items, max_size=items), min_size=users, max_size=users))
    pairs = st.tuples(st.integers(0, users - 1), st.integers(0, items - 1))
    return scores, sorted(draw(st.sets(pairs, min_size=1, max_size=6))), sorted(draw(st.sets(pairs, max_size=8)))


@pytest.mark.filterwarnings(*NOTES)
@settings(deadline=None, max_examples=120)
@given(drawn(), st.sampled_from(["full", "uniform", "popularity"]), st.sampled_from(["listed", "standard", "conservative", "median"]))
def test_an_item_without_a_number_is_never_listed_and_as_a_right_one_missed(
    world: World, given_scores: Scores, rows: Rows, protocol: str, ties: str
) -> None:
    scores, train, test = rows
    prepared = world({"train": train, "test": test}, len(scores), len(scores[0]))
    config = Evaluation(cutoff=(2, 50), test_metrics=METRICS, protocol=protocol, ties=ties, eval_negative_count=3, bootstrap_samples=20)
    evaluator = Evaluator(prepared, "test", config)
    found = evaluator(given_scores(scores))
    assert found.lists is not None
    for user, listed in zip(found.users.tolist(), found.lists.tolist(), strict=True):
        values = [scores[user][item] for item in listed if item >= 0]
        assert all(value > -math.inf for value in values) and values == sorted(values, reverse=True)
    # NaN is as minus infinity, which is below all that is a score: whoever is missed is missed in every metric.
    below = evaluator(given_scores([[-math.inf if math.isnan(value) else value for value in row] for row in scores]))
    assert found.metrics == below.metrics and np.array_equal(found.lists, below.lists)
    assert all(np.array_equal(values, below.per_user[name], equal_nan=True) for name, values in found.per_user.items())
    for row, user in enumerate(found.users.tolist()):
        right = {item for who, item in test if who == user} - {item for who, item in train if who == user}
        if not any(scores[user][item] > -math.inf for item in right):
            assert all(found.per_user[f"{name}@50"][row] == 0 for name in ("recall", "ndcg", "mrr", "map"))
    assert all(math.isfinite(value) for value in found.metrics.values())
    json.dumps(found.summary(), allow_nan=False)


@pytest.mark.filterwarnings(*NOTES)
def test_a_model_of_no_numbers_at_all_reaches_nothing_and_that_is_said(world: World, given_scores: Scores) -> None:
    prepared = world({"train": [(0, 0), (1, 1)], "test": [(0, 1), (1, 0)]}, 2, 3)
    evaluator = Evaluator(prepared, "test", Evaluation(cutoff=2, test_metrics=("recall", "auc", "gini", "novelty")))
    with pytest.warns(Unscored, match="the lists of 2 of 2 users are shorter"):
        found = evaluator(given_scores([[math.nan] * 3] * 2))
    assert dict(found.metrics) == {"recall@2": 0.0}, "no list, so no novelty; no wrong item with a score, so no pair"
    with pytest.warns(Unscored, match="1 of 2 users"):
        evaluator(given_scores([[0, 1, 2], [1, 2, math.nan]]))


def test_nothing_is_said_where_there_is_nothing_to_say(world: World, given_scores: Scores, recwarn: pytest.WarningsRecorder) -> None:
    prepared = world({"train": [(0, 0), (1, 1)], "test": [(0, 1), (1, 0)]}, 2, 3)
    Evaluator(prepared, "test", Evaluation(cutoff=9))(given_scores([[0, 1, 2], [3, 1, 2]]))
    assert not [each for each in recwarn if each.category is Unscored], "lists are as long as there are items to name"


@pytest.mark.parametrize("protocol", ["uniform", "popularity"])
def test_a_clock_that_rings_at_once_is_an_ordinary_draw(world: World, protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clocks:
        def standard_exponential(self, shape: tuple[int, int], dtype: type) -> np.ndarray:
            return np.zeros(shape, dtype=dtype)

    monkeypatch.setattr("turret.evaluation.protocols.numpy_generator", lambda seed, name: Clocks())
    prepared = world({"train": [(0, 0), (1, 1), (0, 2), (1, 3)], "test": [(0, 1)]}, 2, 4)
    with pytest.warns(BiasedProtocol) as noted:
        evaluator = Evaluator(prepared, "test", Evaluation(protocol=protocol, eval_negative_count=5))
    assert evaluator.protocol.negatives.tolist() == [[3, -1, -1, -1, -1]]  # type: ignore[union-attr]
    assert all(each.category is BiasedProtocol for each in noted), "0 has a logarithm, which is minus infinity"


class Logits(nn.Module):
    """Given logits, row after row."""

    reads = Reads()

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits, self.done = logits, 0

    def forward(self, impressions: Impressions) -> Tensor:
        self.done += len(impressions)
        return self.logits[self.done - len(impressions) : self.done, None]


def clicks(world: World, labels: list[int]) -> Prepared:
    rows = [(row % 3, row % 4) for row in range(len(labels))]
    return world({"train": rows, "test": rows, "valid": rows}, 3, 4, label={"train": labels, "test": labels, "valid": labels})


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(0, 29), max_size=9), st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(1, 31), st.data())
def test_a_ranker_whose_logits_are_no_numbers_is_refused_with_part_and_rows(
    world: World, wrong: set[int], value: float, batch: int, data: st.DataObject
) -> None:
    part = data.draw(st.sampled_from(["test", "valid"]))
    logits = torch.linspace(-2, 2, 30)
    logits[list(wrong)] = value
    evaluator = RankerEvaluator(clicks(world, [0, 1] * 15), part, Evaluation(eval_batch_size=batch, bootstrap_samples=10))
    if not wrong:
        assert all(math.isfinite(value) for value in evaluator(Logits(logits)).metrics.values())
        return
    first = min(wrong) // batch * batch
    rows = sorted(row + 1 for row in wrong if row < first + batch)
    told = f"in {len(rows):,} of rows {first + 1:,} to {min(first + batch, 30):,} of the {part} part: {', '.join(map(str, rows[:5]))}"
    with pytest.raises(TurretError, match=told):
        evaluator.measures(Logits(logits))
    with pytest.raises(TurretError, match=told):
        evaluator(Logits(logits))


def test_the_last_row_that_is_named() -> None:
    with pytest.raises(TurretError, match=r"in 6 of rows 101 to 106 of it: 101, 102, 103, 104, 105 and 1 others\n  Training"):
        finite_predictions(torch.full((6, 2), math.nan), 100, "it")
    assert finite_predictions(torch.tensor([[3e38]]).bfloat16(), 0, "it").dtype == np.float32


def test_an_infinite_loss_is_not_passed_over() -> None:
    means = weighted_means({"loss": np.array([1.0, math.inf]), "gauc": np.array([0.5, math.nan])}, np.ones(2))
    assert means == {"loss": math.inf, "gauc": 0.5}


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(ValueError, match="not JSON compliant"):
        yield


def test_no_evaluation_is_written_that_json_cannot_hold(world: World, given_scores: Scores, tmp_path: Path) -> None:
    prepared = world({"train": [(0, 0)], "test": [(0, 1)]}, 1, 2)
    found = Evaluator(prepared, "test", Evaluation())(given_scores([[0, 1]]))
    found.save(tmp_path / "it")
    broken = Evaluated(**{**vars(found), "metrics": {"recall@10": math.nan}})
    with refused():
        broken.save(tmp_path / "other")
    assert not (tmp_path / "other").exists()
