"""The history builder against plain lists."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from turret.batches.history import Histories, contexts_of
from turret.batches.pairs import Pairs
from turret.core.context import ALL, UNKNOWN, Reads
from turret.core.interactions import Interactions

logs = st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=6)


def interactions(log: list[list[int]]) -> Interactions:
    user = np.array([u for u, items in enumerate(log) for _ in items], dtype=np.int32)
    item = np.array([i for items in log for i in items], dtype=np.int32)
    return Interactions(user, item, len(log), 10, weight=item.astype(np.float32) + 1)


@given(logs, st.integers(1, 4), st.integers(0, 10), st.data())
def test_the_latest_known_items_in_order(log: list[list[int]], length: int, n_items: int, data: st.DataObject) -> None:
    users = data.draw(st.lists(st.integers(0, len(log) - 1), min_size=1, max_size=8))
    for limit in (length, ALL):
        context = Histories(interactions(log), Reads(history=limit), n_users=3, n_items=n_items).context(users)
        assert context.users is None and context.history is not None and context.history.weights is not None
        for row, user in enumerate(users):
            expected = [item for item in log[user] if item < n_items][-limit:]
            mask = context.history.mask[row]
            assert context.history.items[row][mask].tolist() == expected
            assert mask.tolist() == [True] * len(expected) + [False] * (len(mask) - len(expected))
            assert context.history.items[row][~mask].eq(0).all()
            assert context.history.weights[row][mask].tolist() == [item + 1 for item in expected]


def test_users_that_training_never_saw_are_unknown() -> None:
    context = Histories(interactions([[1], [2], [3]]), Reads(user=True), n_users=2, n_items=10).context([0, 1, 2])
    assert context.users is not None and context.users.tolist() == [0, 1, UNKNOWN]
    assert context.history is None


@given(logs, st.integers(1, 4))
def test_serving_builds_what_evaluation_builds(log: list[list[int]], length: int) -> None:
    ours = Histories(interactions(log), Reads(history=length), n_users=len(log), n_items=10).context(range(len(log))).history
    served = contexts_of(log, Reads(history=length)).history
    assert ours is not None and served is not None
    assert torch.equal(ours.items, served.items) and torch.equal(ours.mask, served.mask)


@given(logs, st.integers(1, 5))
def test_an_epoch_of_pairs_is_every_pair_once(log: list[list[int]], batch_size: int) -> None:
    table = interactions(log)
    pairs = Pairs(table, batch_size)
    batches = list(pairs.epoch(torch.Generator().manual_seed(0)))
    drawn = [(int(u), int(i)) for b in batches for u, i in zip(b.context.users, b.target, strict=True)]  # type: ignore[arg-type]
    assert sorted(drawn) == sorted(zip(table.user.tolist(), table.item.tolist(), strict=True))
    assert len(batches) == pairs.steps()
