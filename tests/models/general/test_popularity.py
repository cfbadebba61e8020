from __future__ import annotations

import numpy as np
import torch

from turret.core.context import Context, History
from turret.core.interactions import Interactions
from turret.models.general.popularity import Popularity


def test_everyone_is_scored_by_the_counts() -> None:
    user, item = np.array([0, 0, 1, 2, 2, 2], dtype=np.int32), np.array([3, 1, 3, 3, 1, 1], dtype=np.int32)
    model = Popularity(4)
    (progress,) = model.solve(Interactions(user, item, 3, 4), torch.Generator())
    assert progress.round == 1
    expected = [[0, 3, 0, 3]] * 2
    scores = model.score_all(Context(users=torch.tensor([2, -1])))
    assert scores.tolist() == expected
    scores[0, 0] = 9  # the caller may write into what it got
    history = History(torch.tensor([[1], [3]]), torch.ones(2, 1, dtype=torch.bool))
    assert model.score_all(Context(history=history)).tolist() == expected
