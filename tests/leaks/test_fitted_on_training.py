"""Whatever is fitted is fitted on training: other rows in the later parts change nothing of what training sees, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turret.data.prepared import TEST, TRAIN

from .random_logs import LATER, PARTS, WAYS, RandomLog, changed, marks, random_logs, tried
from .what_training_sees import BATCHES, can_make, differing, epoch, plain, seen_by_training

SEEDS = st.integers(0, 2**32)


@pytest.mark.parametrize("way", WAYS)
@tried(6)
@given(log=random_logs(), seed=SEEDS)
def test_what_training_sees_is_the_same_whatever_the_later_parts_hold(way: str, log: RandomLog, seed: int) -> None:
    before = log.tried(WAYS[way])
    after = changed(log, before, WAYS[way], LATER, seed).prepared(WAYS[way])
    assert np.array_equal(marks(before, TRAIN), marks(after, TRAIN))
    assert differing(seen_by_training(before), seen_by_training(after)) == []
    for kind in filter(lambda kind: can_make(kind, before), BATCHES):
        assert differing(dict(plain(epoch(kind, before))), dict(plain(epoch(kind, after)))) == [], kind


@pytest.mark.parametrize("way", WAYS)
@tried(3)
@given(log=random_logs(), seed=SEEDS)
def test_other_rows_in_the_test_part_move_no_row_elsewhere(way: str, log: RandomLog, seed: int) -> None:
    before = log.tried(WAYS[way])
    after = changed(log, before, WAYS[way], [TEST], seed).prepared(WAYS[way])
    for part in PARTS:
        if part != TEST and not WAYS[way].sessions:
            assert set(marks(before, part)) == set(marks(after, part)), part
