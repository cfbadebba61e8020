"""What the evaluator asks, masks, leaves out and counts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from turret.core.context import ALL, Context, Encoded, Query, Reads
from turret.core.errors import InputError, UnsupportedError
from turret.data.prepared import Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import Evaluator
from turret.nn.tables import Table
from turret.scorers.dot import Dot

World = Callable[..., Prepared]
Scores = Callable[..., object]


class Factors(nn.Module):
    """A retriever with two tables, and dropout to tell training from evaluation."""

    reads = Reads(user=True)
    scorer = Dot()

    def __init__(self, users: int, items: int) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.users, self.items, self.dropout, self.encoded = Table(users, 8, std=1.0), Table(items, 8, std=1.0), nn.Dropout(0.5), 0

    def encode(self) -> Encoded:
        self.encoded += 1
        return Encoded(self.items, self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        assert encoded.users is not None and context.users is not None
        return Query(self.dropout(encoded.users[context.users]))


class Counts:
    """Scores an item by how often the history has it, and keeps the contexts it saw."""

    reads = Reads(history=ALL)

    def __init__(self, items: int) -> None:
        self.items, self.seen = items, list[list[int]]()

    def score_all(self, context: Context) -> Tensor:
        assert context.history is not None
        history = context.history
        self.seen += [items[mask].tolist() for items, mask in zip(history.items, history.mask, strict=True)]
        scores = torch.zeros(len(history.items), self.items)
        return scores.scatter_add_(1, history.items, history.mask.float())


def random_world(world: World, users: int = 60, items: int = 90, unseen: int = 5) -> Prepared:
    generator = np.random.default_rng(0)
    taken = [generator.permutation(items + unseen)[:24].tolist() for _ in range(users)]
    rows = {
        "train": [(user, item) for user in range(users) for item in taken[user][:12] if item < items],
        "valid": [(user, item) for user in range(users) for item in taken[user][12:18]],
        "test": [(user, item) for user in range(users) for item in taken[user][18:]],
    }
    return world(rows, users, items)


@pytest.mark.parametrize(("part", "protocol"), list(product(("valid", "test"), ("full", "uniform", "popularity"))))
@pytest.mark.filterwarnings("ignore::turret.evaluation.protocols.BiasedProtocol")
def test_lists_never_hold_what_was_seen_or_what_training_never_saw(world: World, part: str, protocol: str) -> None:
    prepared = random_world(world)
    found = Evaluator(prepared, part, Evaluation(cutoff=100, protocol=protocol, eval_negative_count=200))(Factors(60, 90))
    assert found.lists is not None and len(found.lists) == 60
    for user, recommended in zip(found.users, found.lists, strict=True):
        named = recommended[recommended >= 0].tolist()
        seen = set(prepared.train.by_user[user]) | (set(prepared.interactions("valid").by_user[user]) if part == "test" else set())
        free = {item for item in range(90) if item not in seen}
        assert len(named) == len(set(named)) and set(named) <= free
        assert protocol == "popularity" or set(named) == free, "all others are in the list once it is long enough"


def test_retrievers_in_blocks_rank_as_catalogues_do(world: World, given_scores: Scores) -> None:
    prepared, model = random_world(world), Factors(60, 90)
    whole = given_scores((model.users.weight @ model.items.weight.T).detach())
    for ties, size in product(("listed", "median"), (None, 1, 7, 90)):
        config = Evaluation(cutoff=(1, 5, 200), ties=ties, eval_batch_size=size, bootstrap_samples=0)
        first, second = Evaluator(prepared, "test", config)(model), Evaluator(prepared, "test", config)(whole)
        assert first.metrics == second.metrics
        assert np.array_equal(first.lists, second.lists)


def test_as_many_users_as_items_and_a_single_one(world: World, given_scores: Scores) -> None:
    scores = np.random.default_rng(1).random((6, 6))
    config = Evaluation(cutoff=2, test_metrics="recall", bootstrap_samples=0)
    square = world({"train": [(u, u) for u in range(6)], "test": [(u, (u + 1) % 6) for u in range(6)]}, 6, 6)
    found = Evaluator(square, "test", config)(given_scores(scores))
    for user in range(6):
        alone = world({"train": [(0, user)], "test": [(0, (user + 1) % 6)]}, 1, 6)
        assert Evaluator(alone, "test", config).measures(given_scores(scores[[user]]))["recall@2"] == found.per_user["recall@2"][user]
    single = world({"train": [(0, 0)], "test": [(0, 1)]}, 1, 1)
    assert Evaluator(single, "test", config).measures(given_scores([[1.0]])) == {"recall@2": 0.0}, (
        "the only item was seen, the right one never"
    )


def test_items_that_training_never_saw_count_as_missed(world: World, given_scores: Scores) -> None:
    prepared = world({"train": [(0, 0)], "test": [(0, 1), (0, 2), (0, 3)]}, 1, 2)
    found = Evaluator(prepared, "test", Evaluation(test_metrics=("recall", "auc"), cutoff=5))(given_scores([[0.0, 1.0]]))
    assert found.metrics == {"recall@5": 1 / 3}, "of three right items one can be named; without a wrong item there is no auc"
    assert found.audience.truths == 3 and found.audience.truths_unseen == 2


def test_users_that_training_never_saw(world: World, given_scores: Scores) -> None:
    prepared = world({"train": [(0, 0), (1, 1)], "test": [(0, 1), (2, 1)]}, 2, 3)
    by_id = Evaluator(prepared, "test", Evaluation(cutoff=1, test_metrics="hit"))(given_scores([[0, 1, 0], [0, 0, 1]]))
    assert by_id.users.tolist() == [0] and by_id.metrics == {"hit@1": 1.0}
    assert (by_id.audience.unserved, by_id.audience.without_history) == (1, 0)
    by_history = Evaluator(prepared, "test", Evaluation(cutoff=1, test_metrics="hit"))(Counts(3))
    assert by_history.users.tolist() == [0, 2] and (by_history.audience.unserved, by_history.audience.without_history) == (0, 1)


def test_seen_items_come_back_only_where_repeat_consumption_is_asked_for(world: World, given_scores: Scores) -> None:
    prepared = world({"train": [(0, 0), (0, 1)], "test": [(0, 0), (0, 0), (0, 2)]}, 1, 4)
    model = given_scores([[4.0, 3.0, 2.0, 1.0]])
    new = Evaluator(prepared, "test", Evaluation(cutoff=1))(model)
    assert new.lists is not None and new.lists.tolist() == [[2]]
    assert new.metrics["recall@1"] == 1.0 and (new.audience.truths, new.audience.truths_known) == (1, 1)
    again = Evaluator(prepared, "test", Evaluation(cutoff=1, repeat_consumption=True))(model)
    assert again.lists is not None and again.lists.tolist() == [[0]]
    assert again.metrics["recall@1"] == 0.5 and (again.audience.truths, again.audience.truths_known) == (2, 0)


@pytest.mark.parametrize(
    ("rule", "ordered", "known"),
    [("auto", False, [0]), ("auto", True, [0, 1]), ("all", False, [0, 1]), ("train", True, [0])],
)
def test_the_history_that_a_model_may_read(world: World, rule: str, ordered: bool, known: list[int]) -> None:
    prepared = world({"train": [(0, 0)], "valid": [(0, 1)], "test": [(0, 2)]}, 1, 3, time_ordered=ordered)
    model = Counts(3)
    found = Evaluator(prepared, "test", Evaluation(history_rule=rule, cutoff=3))(model)
    assert model.seen == [known]
    assert found.lists is not None and found.lists.tolist() == [[2, -1, -1]], "validation items are masked in any case"
    assert Evaluator(prepared, "valid", Evaluation(history_rule=rule)).measures(model) and model.seen[1:] == [[0]]


def test_fold_in_rows_are_history_and_are_masked(world: World) -> None:
    prepared = world({"train": [(0, 0)], "fold_in": [(1, 1)], "test": [(1, 2)]}, 1, 4)
    model = Counts(4)
    found = Evaluator(prepared, "test", Evaluation(cutoff=4))(model)
    assert model.seen == [[1]] and found.lists is not None and found.lists.tolist() == [[0, 2, 3, -1]]


def test_a_model_comes_back_as_it_was_and_is_encoded_once(world: World) -> None:
    prepared, model = random_world(world), Factors(60, 90)
    model.train()
    evaluator = Evaluator(prepared, "valid", Evaluation(eval_batch_size=7))
    assert evaluator.measures(model) == evaluator.measures(model), "dropout is off"
    assert model.training and model.encoded == 2
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


def test_an_empty_part_has_no_metrics(world: World, given_scores: Scores) -> None:
    for rows in ({"train": [(0, 0)]}, {"train": [(0, 0)], "test": [(0, 0)]}):
        found = Evaluator(world(rows, 1, 2), "test", Evaluation(test_metrics=("recall", "coverage", "auc")))(given_scores([[1, 1]]))
        assert found.metrics == {} and found.intervals == {} and found.audience.users == 0
        assert found.groups == {"user_activity": {}, "item_popularity": {}}


def test_scores_of_the_wrong_shape_are_refused(world: World, given_scores: Scores) -> None:
    evaluator = Evaluator(world({"train": [(0, 0)], "test": [(0, 1)]}, 1, 3), "test", Evaluation())
    for items in (2, 4):
        with pytest.raises(ValueError, match="do not fit"):
            evaluator.measures(given_scores([[0.0] * items]))


def test_what_cannot_be_evaluated_is_said(world: World) -> None:
    prepared = world({"train": [(0, 0)], "test": [(0, 1)]}, 1, 2)
    with pytest.raises(InputError, match="valid or test"):
        Evaluator(prepared, "train", Evaluation())
    with pytest.raises(InputError, match="does not fit this kind of model"):
        Evaluator(prepared, "test", Evaluation(test_metrics="logloss"))
    with pytest.raises(UnsupportedError, match="whole catalogue"):
        Evaluator(prepared, "test", Evaluation()).measures(nn.Linear(2, 2))


def test_the_first_metric_decides(world: World) -> None:
    prepared = world({"train": [(0, 0)], "valid": [(0, 1)]}, 1, 2)
    decides = Evaluator(prepared, "valid", Evaluation(cutoff=(5, 10), val_metrics=("gini", "recall"))).decides
    assert str(decides) == "gini@5" and decides.lower_is_better
    assert str(Evaluator(prepared, "valid", Evaluation()).decides) == "recall@10"


def test_a_weighted_sum_of_metrics_decides(world: Callable[..., Prepared], given_scores: Callable[..., object]) -> None:
    prepared = world({"train": [(0, 0), (1, 1)], "valid": [(0, 1), (1, 2)]}, 2, 4)
    evaluator = Evaluator(prepared, "valid", Evaluation(cutoff=1, val_metrics="mrr", stop_on={"recall": 2, "coverage": -1}))
    found = evaluator.measures(given_scores([[0, 3, 2, 1], [3, 2, 1, 0]]))
    assert found == {"mrr@1": 0.5, "recall@1": 0.5, "coverage@1": 0.5, "stop_on": 0.5} and str(evaluator.decides) == "stop_on"
    with pytest.raises(InputError, match="has no tasks"):
        Evaluator(prepared, "valid", Evaluation(val_metrics="buy.auc"))
