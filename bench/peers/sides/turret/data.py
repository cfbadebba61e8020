"""The case's arrays as Turret holds them, and the lists of a fitted model."""

from __future__ import annotations

from typing import Any

import numpy as np
from stand import Stand

from turret.core.interactions import Interactions
from turret.data.prepared import TEST, TRAIN, Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import Evaluator


def prepared(stand: Stand) -> Prepared:
    """Training and test pairs, sorted by user as a prepared dataset has them."""
    users, items = stand.facts["users"], stand.facts["items"]

    def part(name: str) -> Part:
        user, item = stand.array(f"{name}_user"), stand.array(f"{name}_item")
        order = np.argsort(user, kind="stable")
        return Part(Interactions(user[order].astype(np.int32), item[order].astype(np.int32), users, items))

    nameless = [Entities(Vocabulary(np.empty(0, np.uint8), np.zeros(count + 1, np.int64))) for count in (users, items)]
    return Prepared("bench", users, items, *nameless, {TRAIN: part("train"), TEST: part("test")})


def judged(stand: Stand, data: Prepared, model: Any) -> dict[str, float]:
    """Quality of the lists that Turret's evaluator makes for the users who are asked."""
    evaluator = Evaluator(data, TEST, Evaluation(cutoff=10))
    evaluator.questions = evaluator.questions[: len(stand.asked())]
    lists = evaluator(model).lists
    assert lists is not None
    return stand.judged(lists)
