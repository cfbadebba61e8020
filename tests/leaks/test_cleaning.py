"""Cleaning that looks at the whole log is asked for, and docs/data.md says so; all other cleaning leaves later rows no say in training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turret.data import Cleaning, DataConfig, Prepared, Split, from_parts
from turret.data.prepared import TRAIN

from .random_logs import LATER, WAYS, RandomLog, changed, marks, random_logs, tried
from .what_training_sees import differing, seen_by_training

OF_TRAINING = Cleaning(min_user_count=2, min_item_count=3, max_user_count=20, count_on="train")
OF_ROWS = Cleaning(min_time=3, max_time=10_000, label_threshold=3)


@pytest.mark.parametrize("cleaning", [OF_TRAINING, OF_ROWS], ids=["counts of the training part", "row by row"])
@pytest.mark.parametrize("way", WAYS)
@tried(4)
@given(log=random_logs().filter(lambda log: "rating" in log.columns), seed=st.integers(0, 2**32))
def test_later_rows_have_no_say(way: str, cleaning: Cleaning, log: RandomLog, seed: int) -> None:
    log = replace(log, cleaning=cleaning)
    before = log.tried(WAYS[way])
    after = changed(log, before, WAYS[way], LATER, seed).prepared(WAYS[way])
    assert np.array_equal(marks(before, TRAIN), marks(after, TRAIN))
    assert differing(seen_by_training(before), seen_by_training(after)) == []


def cleaned(test: list[str], *, label: list[float] | None = None, **said: Any) -> Prepared:
    """User a took i, j and j again, b took i; the test has a with some items."""
    train = {"user": list("aaab"), "item": list("ijji"), "time": [1.0, 2.0, 3.0, 1.0], "label": [1.0, -1.0, 1.0, -1.0]}
    later = {"user": ["a"] * len(test), "item": test, "time": [4.0] * len(test), "label": label or [1.0] * len(test)}
    config = DataConfig(cleaning=Cleaning(**said), split=Split(split_mode="published", published_valid_ratio=0))
    return from_parts(train, test=later, config=config)


def rows(prepared: Prepared) -> list[str]:
    """User and item of each training row."""
    train = prepared.interactions(TRAIN)
    users, items = prepared.users.vocabulary.tokens(train.user), prepared.items.vocabulary.tokens(train.item)
    return [user + item for user, item in zip(users, items, strict=True)]


def test_counts_of_the_log_see_later_rows_and_counts_of_training_do_not() -> None:
    assert rows(cleaned(["k"], max_item_count=2)) == ["ai", "aj", "aj", "bi"]
    assert rows(cleaned(["i"], max_item_count=2)) == ["aj", "aj"]
    assert rows(cleaned(["i"], max_item_count=2, count_on="train")) == ["ai", "aj", "aj", "bi"]


def test_duplicates_are_looked_for_in_the_whole_log() -> None:
    assert rows(cleaned(["k"], duplicates="last")) == ["ai", "aj", "bi"]
    assert rows(cleaned(["i"], duplicates="last")) == ["aj", "bi"]
    assert rows(cleaned(["i"], duplicates="first")) == rows(cleaned(["k"], duplicates="first"))
    weights = [cleaned([item, "k"], duplicates="sum").interactions(TRAIN).weight for item in "kij"]
    assert [weight.tolist() for weight in weights if weight is not None] == [[1, 2, 1], [2, 2, 1], [1, 3, 1]]


def test_how_labels_are_written_is_read_from_the_whole_column() -> None:
    """-1 says no where the column knows -1 and 1 alone; it does so for the rows of all parts, or for none."""
    assert cleaned(["k"], label=[-1.0]).interactions(TRAIN).label.tolist() == [1, 0, 1, 0]  # type: ignore[union-attr]
    assert cleaned(["k"], label=[0.5]).interactions(TRAIN).label.tolist() == [1, -1, 1, -1]  # type: ignore[union-attr]
