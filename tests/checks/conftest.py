"""Small logs with a flaw of a known size, prepared and looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from turret.checks.config import Check
from turret.checks.subject import Subject
from turret.core.interactions import Interactions
from turret.data.config import Cleaning
from turret.data.prepared import TEST, TRAIN, VALID, Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary

Rows = Sequence[tuple[float, ...]]
"""(user, item) or (user, item, time) each."""


def log_of(rows: Rows, n_users: int, n_items: int) -> Interactions:
    """Rows as a log, sorted by user and time."""
    table = np.array(rows, dtype=np.float64)
    order = np.lexsort((table[:, 2], table[:, 0])) if table.shape[1] > 2 else np.argsort(table[:, 0], kind="stable")
    table = table[order]
    time = table[:, 2] if table.shape[1] > 2 else None
    return Interactions(table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), n_users, n_items, time=time)


def dataset_of(train: Rows, test: Rows, valid: Rows = (), sizes: tuple[int, int] | None = None, *, time_ordered: bool = False) -> Prepared:
    """A dataset of some rows.

    Args:
        train, test, valid: the parts; valid is absent where it is empty.
        sizes: users and items that training saw; None counts all. Ids from there on are of later parts alone.
        time_ordered: as of `Prepared`.
    """
    everything = [*train, *test, *valid]
    n_users, n_items = (int(max(row[side] for row in everything)) + 1 for side in (0, 1))
    known = sizes or (n_users, n_items)
    parts = {TRAIN: Part(log_of(train, *known))}
    parts |= {name: Part(log_of(rows, n_users, n_items)) for name, rows in ((VALID, valid), (TEST, test)) if len(rows)}
    return Prepared("small", *known, *(Entities(names(n)) for n in (n_users, n_items)), parts, time_ordered=time_ordered)


def names(n: int) -> Vocabulary:
    """So many tokens."""
    return Vocabulary.of([str(index) for index in range(n)])


def impressions_of(train: Mapping[str, Any], test: Mapping[str, Any]) -> Prepared:
    """A dataset of impressions that name neither users nor items: "label", and columns by name."""
    parts = {}
    for part, columns in ((TRAIN, train), (TEST, test)):
        label = np.asarray(columns["label"], dtype=np.float32)
        nobody = np.zeros(len(label), dtype=np.int32)
        own = {name: column for name, column in columns.items() if name != "label"}
        parts[part] = Part(Interactions(nobody, nobody, 1, 1, label=label), own)
    return Prepared("shown", 0, 0, Entities(names(1)), Entities(names(1)), parts)


@pytest.fixture
def dataset() -> Callable[..., Prepared]:
    return dataset_of


@pytest.fixture
def impressions() -> Callable[..., Prepared]:
    return impressions_of


@pytest.fixture
def subject() -> Callable[..., Subject]:
    """`subject(prepared, cleaning=..., power=...)`: the dataset under examination."""

    def make(prepared: Prepared, cleaning: Cleaning | None = None, **options: Any) -> Subject:
        return Subject(prepared, Check(**options), cleaning or Cleaning())

    return make
