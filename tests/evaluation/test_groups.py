"""Results by group: fitted on training, complete, and what they say they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from turret.core.interactions import Interactions
from turret.data.prepared import Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import Evaluator
from turret.evaluation.groups import by_activity, by_popularity


def log(user_counts: list[int], item_counts: list[int]) -> Interactions:
    users, items = (np.repeat(np.arange(len(counts)), counts) for counts in (user_counts, item_counts))
    return Interactions(users, items, len(user_counts), len(item_counts))


def test_users_are_cut_at_quartiles_of_their_rows() -> None:
    counts = [1, 2, 3, 4, 5, 6, 7, 8]
    grouping = by_activity(log(counts, [36]), 10)
    assert grouping.names == ("1-2 rows", "3-4 rows", "5-6 rows", "7-8 rows", "unseen")
    assert grouping.of.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert by_activity(log([3, 3, 3], [9]), 3).names == ("3 rows", "unseen"), "equal users are one group"


def test_items_are_cut_where_a_third_of_the_rows_is() -> None:
    grouping = by_popularity(log([30], [10, 5, 5, 4, 3, 2, 1]), 8)
    assert [grouping.names[group] for group in grouping.of] == ["head", "middle", "middle", "tail", "tail", "tail", "tail", "unseen"]


def test_groups_in_an_evaluation(world: Callable[..., Prepared], given_scores: Callable[..., object]) -> None:
    train = [(0, 0), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1)]
    test = [(0, 1), (0, 3), (1, 3), (2, 3), (2, 2)]
    prepared = world({"train": train, "test": test}, 3, 4)
    found = Evaluator(prepared, "test", Evaluation(cutoff=1, test_metrics=("recall", "mrr")))(
        given_scores([[0, 3, 0, 2], [0, 0, 0, 1], [0, 0, 5, 1]])
    )
    popularity, activity = found.groups["item_popularity"], found.groups["user_activity"]
    # Lists: user 0 gets item 1 (middle), user 1 item 3 (unseen in training's counts), user 2 item 2 (tail).
    assert set(popularity) == {"middle", "tail", "unseen"}, "nobody asks for the head, so it is absent"
    assert popularity["middle"] == {"users": 1.0, "recall@1": 1.0, "mrr@1": 1.0}
    assert popularity["tail"] == {"users": 1.0, "recall@1": 1.0, "mrr@1": 1.0}
    assert popularity["unseen"] == pytest.approx({"users": 3.0, "recall@1": 1 / 3, "mrr@1": 1 / 3})
    users = sum(group["users"] for group in activity.values())
    assert users == 3
    assert sum(group["users"] * group["recall@1"] for group in activity.values()) / users == pytest.approx(found.metrics["recall@1"])


def test_later_rows_have_no_say_in_the_groups(world: Callable[..., Prepared], given_scores: Callable[..., object]) -> None:
    train = [(user, item) for user in range(4) for item in range(user + 1)]
    config = Evaluation(cutoff=1, test_metrics="recall")
    names = []
    for test in ([(0, 5)], [(0, item) for item in range(1, 6)]):
        prepared = world({"train": train, "test": test}, 4, 6)
        names.append(set(Evaluator(prepared, "test", config)(given_scores(np.zeros((4, 6)))).groups["user_activity"]))
    assert names == [{"1 row"}, {"1 row"}]
