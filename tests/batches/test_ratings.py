"""Pairs and their ratings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from turret.batches.ratings import Ratings
from turret.core.errors import UnsupportedError
from turret.core.interactions import Interactions


def log(ratings: list[float] | None) -> Interactions:
    rating = None if ratings is None else np.array(ratings, np.float32)
    return Interactions(np.array([0, 0, 1, 2], np.int32), np.array([1, 2, 0, 2], np.int32), 3, 3, rating=rating)


def test_every_rating_once_as_a_share_of_the_highest() -> None:
    batches = Ratings(log([4.0, 0.5, 2.0, 1.0]), batch_size=3)
    epoch = list(batches.epoch(torch.Generator().manual_seed(0)))
    assert [len(batch.rating) for batch in epoch] == [3, 1]
    assert batches.steps() == 2
    found = {
        (user, item): share
        for batch in epoch
        for user, item, share in zip(batch.pairs.context.users.tolist(), batch.pairs.target.tolist(), batch.rating.tolist(), strict=True)
    }
    assert found == {(0, 1): 1.0, (0, 2): 0.125, (1, 0): 0.5, (2, 2): 0.25}


@pytest.mark.parametrize(("ratings", "reason"), [(None, "no ratings"), ([4.0, 0.0, 2.0, 1.0], "lowest rating is 0")])
def test_what_cannot_be_read_as_shares_is_refused(ratings: list[float] | None, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        Ratings(log(ratings), batch_size=3)
