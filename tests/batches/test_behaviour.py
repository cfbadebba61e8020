"""What was chosen before each impression, against a search row by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.batches.behaviour import Earlier
from turret.batches.impressions import ImpressionBatches
from turret.core.context import Reads
from turret.core.errors import UnsupportedError
from turret.core.interactions import Interactions
from turret.data.columns import Tokens
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary

N_USERS, N_ITEMS = 4, 5
KINDS = np.array([1, 2, 0, 2, 1, 2], dtype=np.int32)
"""Of the items, the last of which training never saw."""
Row = tuple[int, int, int, int]
ROWS = st.lists(st.tuples(*(st.integers(0, high) for high in (N_USERS - 1, N_ITEMS, 6, 1))), max_size=25)
"""User, item, time, label."""


def part(rows: list[Row]) -> Part:
    rows = sorted(rows, key=lambda row: (row[0], row[2]))
    user, item, time, label = (np.array([row[column] for row in rows], dtype=np.int64) for column in range(4))
    return Part(Interactions(user, item, N_USERS, N_ITEMS + 1, time=time.astype(np.float64), label=label.astype(np.float32)))


def prepared(**parts: list[Row]) -> Prepared:
    kinds = {"kind": Tokens(KINDS, Vocabulary.of(["one", "two"]))}
    names = [Entities(Vocabulary.of(map(str, range(n)))) for n in (N_USERS, N_ITEMS + 1)]
    return Prepared(
        "shown", N_USERS, N_ITEMS, names[0], replace(names[1], features=kinds), {name: part(rows) for name, rows in parts.items()}
    )


def chosen_before(user: int, time: float, known: list[list[Row]], longest: int) -> list[int]:
    """By the book: the user's clicks earlier than the moment, in the order of time."""
    earlier = sorted(
        (t, number, i) for number, (u, i, t, y) in enumerate(row for rows in known for row in rows) if u == user and y and t < time
    )
    return [i for _, _, i in earlier if i < N_ITEMS][-longest:]


def by_user_and_time(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row[0], row[2]))


@settings(max_examples=60, deadline=None)
@given(train=ROWS, valid=ROWS, test=ROWS, longest=st.integers(1, 6))
def test_no_row_sees_its_own_moment_or_what_comes_after(train: list[Row], valid: list[Row], test: list[Row], longest: int) -> None:
    dataset = prepared(train=train, valid=valid, test=test)
    known = {"train": [by_user_and_time(train)], "test": [by_user_and_time(rows) for rows in (train, valid, test)]}
    for name in ("train", "test"):
        earlier, log = Earlier(dataset, name, longest), dataset.interactions(name)
        before = earlier.before(torch.tensor(log.user), torch.tensor(log.time))
        items, mask = before.items, before.mask
        assert items.shape[1] >= 1
        for row in range(len(log)):
            expected = chosen_before(int(log.user[row]), float(log.time[row]), known[name], longest)
            assert items[row][mask[row]].tolist() == expected


def test_training_rows_see_nothing_of_later_parts() -> None:
    """A test row that lies before a training row in time, as it may in a random split."""
    dataset = prepared(train=[(0, 1, 5, 1)], test=[(0, 2, 1, 1)])
    before = Earlier(dataset, "train", 9).before(torch.tensor([0]), torch.tensor([5.0], dtype=torch.float64))
    assert before.lengths.tolist() == [0]


def test_batches_join_the_items_that_were_chosen_with_their_features() -> None:
    dataset = prepared(train=[(0, 1, 1, 1), (0, 3, 2, 0), (0, 4, 3, 1), (0, 2, 4, 1)])
    (batch,) = ImpressionBatches(dataset, 9, reads=Reads(history=2)).in_order()
    assert batch.behaviours is not None
    tokens, mask = batch.behaviours.tokens, batch.behaviours.mask
    assert [row[kept].tolist() for row, kept in zip(tokens, mask, strict=True)] == [[], [[2, 2]], [[2, 2]], [[2, 2], [5, 1]]]
    assert ImpressionBatches(dataset, 9).schema.behaviour == ("item", "item.kind")
    assert next(ImpressionBatches(dataset, 9).in_order()).behaviours is None


def test_a_log_without_times_cannot_say_what_came_before() -> None:
    dataset = prepared(train=[(0, 1, 1, 1)])
    timeless = replace(dataset, parts={"train": Part(replace(dataset.interactions("train"), time=None))})
    with pytest.raises(UnsupportedError, match="columns of users, of items and of times"):
        ImpressionBatches(timeless, 4, reads=Reads(history=3))
