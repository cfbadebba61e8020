"""Ranking metrics: against ranx on rankings without ties, and against definitions spelled out in loops, with ties and unseen items."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.data.prepared import Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import Evaluator

NAMES = ("recall", "precision", "f1", "hit", "mrr", "map", "ndcg")
CUTOFFS = (1, 3, 10)


RANX = """
import json, sys
from ranx import Qrels, Run, evaluate
given = json.load(sys.stdin)
qrels, run = Qrels(given["qrels"]), Run(given["run"])
evaluate(qrels, run, given["metrics"])
json.dump({name: dict(values) for name, values in run.scores.items()}, sys.stdout)
"""


def by_ranx(right: list[set[int]], scores: list[dict[int, float]], metrics: list[str]) -> dict[str, list[float]]:
    """Values of each user by ranx, in a process of its own that interprets it: compiling it takes a minute."""
    given = {
        "qrels": {f"u{user}": {str(item): 1 for item in items} for user, items in enumerate(right)},
        "run": {f"u{user}": {str(item): score for item, score in row.items()} for user, row in enumerate(scores)},
        "metrics": metrics,
    }
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", RANX], input=json.dumps(given), capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return {name: [found[name][f"u{user}"] for user in range(len(right))] for name in metrics}


def test_ranx_agrees_on_random_rankings(world: Callable[..., Prepared], given_scores: Callable[..., object]) -> None:
    generator = np.random.default_rng(7)
    users, items = 30, 80
    scores = generator.permuted(np.tile(np.arange(float(items)), (users, 1)), axis=1)
    picked = [generator.choice(items, generator.integers(6, 31), replace=False).tolist() for _ in range(users)]
    rows = {
        "train": [(user, item) for user in range(users) for item in picked[user][:5]],
        "test": [(user, item) for user in range(users) for item in picked[user][5:]],
    }
    found = Evaluator(world(rows, users, items), "test", Evaluation(cutoff=CUTOFFS, test_metrics=NAMES))(given_scores(scores))

    right = [set(items[5:]) for items in picked]
    free = [{item: scores[user, item] for item in range(items) if item not in picked[user][:5]} for user in range(users)]
    theirs = {f"{name}@{k}": f"{'hit_rate' if name == 'hit' else name}@{k}" for name in NAMES for k in CUTOFFS}
    expected = by_ranx(right, free, list(theirs.values()))
    for k in CUTOFFS:
        # ranx divides the average precision by all right items, also by those that k places cannot hold.
        ratio = [len(items) / min(k, len(items)) for items in right]
        expected[f"map@{k}"] = np.multiply(expected[f"map@{k}"], ratio).tolist()
    for ours, name in theirs.items():
        assert found.per_user[ours] == pytest.approx(expected[name], abs=1e-6)
        assert found.metrics[ours] == pytest.approx(np.mean(expected[name]), abs=1e-6)


def plain_metrics(places: Sequence[float], asked: int, k: int) -> dict[str, float]:
    """The definitions, from the places of one user's right items that have one."""
    top = [place for place in sorted(places) if place <= k]
    recall, precision = len(top) / asked, len(top) / k
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(asked, k) + 1))
    return {
        "recall": recall,
        "precision": precision,
        "f1": 2 * recall * precision / (recall + precision) if top else 0.0,
        "hit": float(bool(top)),
        "mrr": 1 / top[0] if top else 0.0,
        "map": sum((turn + 1) / place for turn, place in enumerate(top)) / min(asked, k),
        "ndcg": sum(1 / math.log2(place + 1) for place in top) / ideal,
    }


def plain_places(scores: Sequence[float], candidates: list[int], right: set[int], ties: str) -> list[float]:
    """Where a sorted list has the right items: one list for each rule, two for the median."""
    keys: dict[str, Callable[[int], object]] = {
        "listed": lambda item: item,
        "standard": lambda item: item not in right,
        "conservative": lambda item: item in right,
    }
    if ties == "median":
        best, worst = (plain_places(scores, candidates, right, rule) for rule in ("standard", "conservative"))
        return [(low + high) / 2 for low, high in zip(best, worst, strict=True)]
    ranked = sorted((item for item in candidates if scores[item] > -math.inf), key=lambda item: (-scores[item], keys[ties](item)))
    return [float(place) for place, item in enumerate(ranked, 1) if item in right]


@st.composite
def tied_worlds(draw: st.DrawFn) -> tuple[list[list[float]], list[set[int]], list[set[int]]]:
    users, items = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    value = st.sampled_from([0.0, 1.0, 2.0, math.nan, -math.inf])
    scores = draw(st.lists(st.lists(value, min_size=items, max_size=items), min_size=users, max_size=users))
    seen = [draw(st.sets(st.integers(0, items - 1), max_size=4)) for _ in range(users)]
    right = [draw(st.sets(st.integers(0, items + 1), max_size=5)) for _ in range(users)]
    return scores, seen, right


@pytest.mark.filterwarnings("ignore::turret.evaluation.evaluator.Unscored")
@settings(deadline=None, max_examples=150)
@given(tied_worlds(), st.sampled_from(["listed", "standard", "conservative", "median"]), st.integers(1, 12), st.integers(1, 5))
def test_definitions_hold_with_ties_and_without_scores(
    world: Callable[..., Prepared],
    given_scores: Callable[..., object],
    drawn: tuple[list[list[float]], list[set[int]], list[set[int]]],
    ties: str,
    k: int,
    batch: int,
) -> None:
    scores, seen, right = drawn
    items = len(scores[0])
    train = [(user, item) for user in range(len(scores)) for item in sorted(seen[user])]
    test = [(user, item) for user in range(len(scores)) for item in sorted(right[user])]
    prepared = world({"train": train, "test": test}, len(scores), items)
    config = Evaluation(cutoff=k, test_metrics=(*NAMES, "auc"), ties=ties, eval_batch_size=batch, bootstrap_samples=0, by_group=False)
    found = Evaluator(prepared, "test", config)(given_scores(scores))

    users = [user for user in range(len(scores)) if right[user] - seen[user]]
    assert found.users.tolist() == users
    assert found.audience.truths_known == sum(len(right[user] & seen[user]) for user in range(len(scores)))
    for row, user in enumerate(users):
        asked, candidates = right[user] - seen[user], sorted(set(range(items)) - seen[user])
        expected = plain_metrics(plain_places(scores[user], candidates, asked, ties), len(asked), k)
        assert {name: found.per_user[f"{name}@{k}"][row] for name in NAMES} == pytest.approx(expected, abs=1e-12)
        wrong = [item for item in candidates if item not in asked and scores[user][item] > -math.inf]
        share = {"standard": 1.0, "conservative": 0.0}.get(ties, 0.5)
        pairs = [
            0.0
            if item >= items or not scores[user][item] > -math.inf
            else float(scores[user][item] > scores[user][other]) + share * (scores[user][item] == scores[user][other])
            for item in asked
            for other in wrong
        ]
        assert found.per_user["auc"][row] == pytest.approx(np.mean(pairs) if pairs else math.nan, abs=1e-12, nan_ok=True)
    for name in (f"{name}@{k}" for name in NAMES):
        assert (name in found.metrics) == bool(users)
        if users:
            assert found.metrics[name] == pytest.approx(float(np.mean(found.per_user[name])), abs=1e-12)


def test_a_model_without_an_opinion_is_flattered_by_the_standard_rule_alone(
    world: Callable[..., Prepared], given_scores: Callable[..., object]
) -> None:
    prepared = world({"train": [(0, 0)], "test": [(0, 70)]}, 1, 100)
    constant = given_scores([[1.0] * 100])
    found = {
        ties: Evaluator(prepared, "test", Evaluation(test_metrics="mrr", cutoff=100, ties=ties)).measures(constant)["mrr@100"]
        for ties in ("listed", "standard", "conservative", "median")
    }
    assert found == pytest.approx({"listed": 1 / 70, "standard": 1.0, "conservative": 1 / 99, "median": 1 / 50})
