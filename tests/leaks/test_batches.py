"""The rows in training batches of every kind are rows of the training part, and no others."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from turret.batches.impressions import ImpressionBatches
from turret.batches.lmdb_rows import LmdbRows, write_lmdb
from turret.core.context import Positives, Streams
from turret.core.seeds import torch_generator
from turret.data.prepared import TRAIN, Prepared

from .random_logs import TASKS, WAYS, RandomLog, choices, marks, random_log, random_logs, tried
from .what_training_sees import OF_CHOICES, OF_IMPRESSIONS, can_make, differing, epoch, plain


def chosen(log: RandomLog, prepared: Prepared, way: str) -> list[tuple[str, str]]:
    """By the book: user and item of the choices among the training rows, in their order."""
    return [(row[WAYS[way].who], row["item"]) for row in choices(log, prepared, TRAIN)]


@pytest.mark.parametrize("way", WAYS)
@tried(6)
@given(log=random_logs())
def test_right_items_are_choices_of_the_training_part(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    expected = chosen(log, prepared, way)
    for kind in OF_CHOICES:
        for batch in epoch(kind, prepared):
            assert isinstance(batch, Positives) and batch.places is not None and batch.context.users is not None
            askers = batch.context.askers() if batch.rows is None else batch.context.users[batch.rows]
            users = prepared.users.vocabulary.tokens(askers.numpy())
            items = prepared.items.vocabulary.tokens(batch.target.numpy())
            assert list(zip(users, items, strict=True)) == [expected[place] for place in batch.places.tolist()], kind
    places = [place for batch in epoch("pairs", prepared) for place in batch.places.tolist()]
    assert sorted(places) == list(range(len(expected)))


@pytest.mark.parametrize("way", WAYS)
@tried(6)
@given(log=random_logs())
def test_ratings_are_those_of_the_training_part(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    if can_make("ratings", prepared):
        given = [log.row(mark)["rating"] for mark in marks(prepared, TRAIN)]
        for batch in epoch("ratings", prepared):
            highest = np.float32(max(given))
            assert batch.rating.tolist() == [np.float32(given[place]) / highest for place in batch.pairs.places.tolist()]


@pytest.mark.parametrize("way", WAYS)
@tried(6)
@given(log=random_logs())
def test_streams_go_from_one_training_row_of_a_user_to_the_next(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    if not can_make("sessions", prepared):
        return
    rows = chosen(log, prepared, way)
    expected = Counter((item, following) for (user, item), (same, following) in pairwise(rows) if user == same)
    found: Counter[tuple[str, str]] = Counter()
    for batch in epoch("sessions", prepared):
        assert isinstance(batch, Streams)
        read, target = (prepared.items.vocabulary.tokens(column.flatten().numpy()) for column in (batch.items, batch.target))
        found.update(zip(read, target, strict=True))
    assert found == expected


@pytest.mark.parametrize("way", WAYS)
@tried(6)
@given(log=random_logs())
def test_impressions_are_rows_of_the_training_part(way: str, log: RandomLog) -> None:
    prepared = log.tried(WAYS[way])
    own = set(marks(prepared, TRAIN))
    for kind, make in OF_IMPRESSIONS.items():
        place = make(prepared).schema.numbers.index("mark")
        found = []
        for batch in epoch(kind, prepared):
            numbers = batch.floats[:, place].tolist()
            assert batch.labels.tolist() == [[float(log.row(number)[task]) for task in TASKS] for number in numbers], kind
            found += numbers
        assert set(found) <= own and len(set(found)) == len(found), kind
        assert kind.endswith("zeros") or len(found) == len(own)


def test_rows_from_lmdb_are_those_of_the_training_part(tmp_path: Path) -> None:
    prepared = random_log(4).prepared(WAYS["user_entry, random"])
    source = LmdbRows(write_lmdb(prepared, tmp_path / "lmdb"), prepared)
    stored, mapped = (
        dict(plain(list(ImpressionBatches(prepared, 4, source=which).epoch(torch_generator(1, "leaks"))))) for which in (source, None)
    )
    assert len(stored) > 10 and differing(stored, mapped) == []
