"""Pairs beside what their users did."""

from __future__ import annotations

import numpy as np
import torch

from turret.batches.pairs_with_history import PairsWithHistory
from turret.core.interactions import Interactions

USERS, ITEMS = [0, 0, 0, 1, 3, 3], [4, 2, 4, 1, 0, 3]
LOG = Interactions(np.array(USERS, np.int32), np.array(ITEMS, np.int32), 4, 5)


def test_every_row_once_beside_its_users_latest_items() -> None:
    batches = PairsWithHistory(LOG, history=2, batch_size=4)
    epoch = list(batches.epoch(torch.Generator().manual_seed(0)))
    assert [len(batch.target) for batch in epoch] == [4, 2]
    assert batches.steps() == 2
    places = torch.cat([batch.places for batch in epoch])
    assert sorted(places.tolist()) == list(range(6))
    for batch in epoch:
        assert batch.context.users.tolist() == [USERS[place] for place in batch.places]
        assert batch.target.tolist() == [ITEMS[place] for place in batch.places]
        for user, items, mask in zip(batch.context.users.tolist(), batch.context.history.items, batch.context.history.mask, strict=True):
            assert items[mask].tolist() == [item for other, item in zip(USERS, ITEMS, strict=True) if other == user][-2:]


def test_order_follows_the_generator() -> None:
    batches = PairsWithHistory(LOG, history=2, batch_size=6)
    first, same, other = (next(iter(batches.epoch(torch.Generator().manual_seed(seed)))).places.tolist() for seed in (0, 0, 1))
    assert first == same != other
