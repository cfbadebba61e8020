"""The case's arrays as Turret holds them, and the lists of a fitted model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stand import Stand

from turret.core.interactions import Interactions
from turret.data.prepared import TEST, TRAIN, Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import Evaluator


def prepared(stand: Stand, parts: tuple[str, ...] = (TRAIN, TEST)) -> Prepared:
    """The pairs of these parts, sorted by user as a prepared dataset has them."""
    users, items = stand.facts["users"], stand.facts["items"]

    def part(name: str) -> Part:
        user, item = stand.array(f"{name}_user"), stand.array(f"{name}_item")
        order = np.argsort(user, kind="stable")
        return Part(Interactions(user[order].astype(np.int32), item[order].astype(np.int32), users, items))

    nameless = [Entities(Vocabulary(np.empty(0, np.uint8), np.zeros(count + 1, np.int64))) for count in (users, items)]
    return Prepared("bench", users, items, *nameless, {name: part(name) for name in parts})


def lists(stand: Stand, data: Prepared, model: Any) -> np.ndarray:
    """The lists that Turret's evaluator makes for the users who are asked, (users, 10)."""
    evaluator = Evaluator(data, TEST, Evaluation(cutoff=10))
    evaluator.questions = evaluator.questions[: len(stand.asked())]
    found = evaluator(model).lists
    assert found is not None
    return found


def judged(stand: Stand, data: Prepared, model: Any) -> dict[str, float]:
    """Their quality."""
    return stand.judged(lists(stand, data, model))


def solved(stand: Stand, module: Any, config: Any, small: Any) -> None:
    """Fits what is solved for, which is measured, and tells how good it is.

    Args:
        stand: the job.
        module: of `turret.models`.
        config: its settings.
        small: such a model of 100 items. It is solved for beforehand, which compiles the kernels, or reads them, as an import of compiled
            libraries does.
    """
    data = prepared(stand)
    for _ in small.solve(Interactions(*np.tile(np.arange(100, dtype=np.int32), (2, 1)), 100, 100), torch.Generator()):
        pass
    with stand.measuring():
        model = module.build(config, data)
        for _ in module.recipe(config, data).fit(model, stand.seed, torch.device("cpu")):
            pass
    stand.tell(stand.seconds[0], judged(stand, data, model))
