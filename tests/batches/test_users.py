from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.batches.users import Users
from turret.core.interactions import Interactions


def log(histories: list[list[int]], n_items: int) -> Interactions:
    user = np.repeat(np.arange(len(histories)), [len(items) for items in histories])
    item = np.array([item for items in histories for item in items], dtype=np.int32)
    return Interactions(user.astype(np.int32), item, len(histories), n_items)


@given(
    histories=st.lists(st.lists(st.integers(0, 6), max_size=8), min_size=1, max_size=9).filter(any),
    batch_size=st.integers(1, 10),
    seed=st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=60)
def test_an_epoch_holds_every_user_once_with_each_item_once(histories: list[list[int]], batch_size: int, seed: int) -> None:
    batches = Users(log(histories, 7), batch_size)
    seen = []
    count = 0
    for batch in batches.epoch(torch.Generator().manual_seed(seed)):
        count += 1
        history = batch.context.history
        assert history is not None and batch.rows is not None
        assert 1 <= len(history.items) <= batch_size
        for row in range(len(history.items)):
            items = history.items[row][history.mask[row]].tolist()
            assert batch.target[batch.rows == row].tolist() == items
            seen.append(items)
    assert count == batches.steps()
    assert sorted(seen) == sorted(list(dict.fromkeys(items)) for items in histories if items)


def test_order_follows_the_generator_alone() -> None:
    batches = Users(log([[user, user + 1] for user in range(40)], 41), batch_size=40)

    def first(seed: int) -> list[int]:
        return next(iter(batches.epoch(torch.Generator().manual_seed(seed)))).target.tolist()

    assert first(1) == first(1)
    assert first(1) != first(2)
