"""Sampled negatives: who may be drawn, how often, and what the metrics then are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from turret.data.prepared import Prepared
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import Evaluator
from turret.evaluation.protocols import BiasedProtocol, SampledNegatives
from turret.evaluation.questions import ask


def people(world: Callable[..., Prepared], users: int, items: int, seed: int = 0) -> Prepared:
    generator = np.random.default_rng(seed)
    weight = 1 / np.arange(1, items + 1)
    taken = [generator.choice(items, 10, replace=False, p=weight / weight.sum()) for _ in range(users)]
    rows = {part: [(user, int(item)) for user in range(users) for item in taken[user][cut]] for part, cut in PARTS.items()}
    return world(rows, users, items)


PARTS = {"train": slice(0, 7), "test": slice(7, 10)}


@pytest.mark.parametrize("protocol", ["uniform", "popularity"])
def test_negatives_are_new_wrong_and_different(world: Callable[..., Prepared], protocol: str) -> None:
    prepared = people(world, 300, 50)
    questions = ask(prepared, "test")
    with pytest.warns(BiasedProtocol, match="biased"):
        sampled = SampledNegatives(questions, 20, 0, prepared.train.item_counts if protocol == "popularity" else None)
    for row, drawn in enumerate(sampled.negatives):
        named = drawn[drawn >= 0].tolist()
        assert len(set(named)) == len(named)
        assert not set(named) & (set(questions.truth[row]) | set(questions.taken[row]))
    assert protocol == "popularity" or (sampled.negatives >= 0).all()


@pytest.mark.filterwarnings("ignore::turret.evaluation.protocols.BiasedProtocol")
def test_draws_are_uniform_or_in_proportion_to_popularity(world: Callable[..., Prepared]) -> None:
    # One negative for each of many users who have nothing in common with the items 1..5.
    users, counts = 6000, np.array([0, 1, 2, 3, 4, 0, 10])
    log = [(user, 6 if user % 2 else 0) for user in range(users)]
    prepared = world({"train": [(user, 0) for user in range(users)], "test": [(user, 6) for user, _ in log]}, users, 7)
    questions = ask(prepared, "test")
    uniform = np.bincount(SampledNegatives(questions, 1, 0).negatives.ravel(), minlength=7) / users
    assert uniform == pytest.approx([0, 0.2, 0.2, 0.2, 0.2, 0.2, 0], abs=0.02)
    popular = np.bincount(SampledNegatives(questions, 1, 0, counts).negatives.ravel(), minlength=7) / users
    assert popular == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0, 0], abs=0.02)


@pytest.mark.filterwarnings("ignore::turret.evaluation.protocols.BiasedProtocol")
def test_metrics_are_those_among_the_drawn_items(world: Callable[..., Prepared], given_scores: Callable[..., object]) -> None:
    prepared = people(world, 40, 50)
    scores = np.random.default_rng(1).random((40, 50))
    found = {}
    for size in (None, 1, 7):
        config = Evaluation(
            protocol="uniform", eval_negative_count=9, cutoff=3, test_metrics=("recall", "auc"), eval_batch_size=size, bootstrap_samples=0
        )
        evaluator = Evaluator(prepared, "test", config)
        found[size] = evaluator(given_scores(scores)).metrics
    assert found[None] == found[1] == found[7], "the sample does not depend on the batches"
    recalls, areas = [], []
    for row, user in enumerate(evaluator.questions.users):
        right, wrong = evaluator.questions.truth[row].tolist(), evaluator.protocol.negatives[row].tolist()
        ranked = sorted(right + wrong, key=lambda item: -scores[user, item])
        recalls.append(len(set(ranked[:3]) & set(right)) / len(right))
        areas.append(np.mean([scores[user, one] > scores[user, other] for one in right for other in wrong]))
    assert found[None] == pytest.approx({"recall@3": np.mean(recalls), "auc": np.mean(areas)}, abs=1e-12)
