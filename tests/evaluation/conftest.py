"""Small worlds to evaluate in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.core.context import Context, Reads
from turret.core.interactions import Interactions
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary

Rows = Mapping[str, Sequence[tuple[int, int]]]


def make_prepared(rows: Rows, n_users: int, n_items: int, time_ordered: bool = False, **columns: Mapping[str, Sequence[float]]) -> Prepared:
    """A dataset from (user, item) rows for each part; ids from `n_users` and `n_items` on are those that training never saw."""
    everything = [pair for part in rows.values() for pair in part]
    users = max([n_users, *(user + 1 for user, _ in everything)])
    items = max([n_items, *(item + 1 for _, item in everything)])
    parts = {}
    for name, pairs in rows.items():
        order = sorted(range(len(pairs)), key=lambda row: pairs[row][0])
        table = np.array([pairs[row] for row in order], dtype=np.int32).reshape(-1, 2)
        sizes = (n_users, n_items) if name == "train" else (users, items)
        optional = {column: np.array([values[name][row] for row in order], dtype=np.float32) for column, values in columns.items()}
        parts[name] = Part(Interactions(table[:, 0], table[:, 1], *sizes, **optional))
    tokens = [Entities(Vocabulary.of(str(index) for index in range(n))) for n in (users, items)]
    return Prepared("world", n_users, n_items, *tokens, parts, time_ordered, hash="0123")


class Given:
    """A catalogue whose scores are given: row u for user u."""

    reads = Reads(user=True)

    def __init__(self, scores: Tensor) -> None:
        self.scores = scores

    def score_all(self, context: Context) -> Tensor:
        assert context.users is not None
        return self.scores[context.users]


@pytest.fixture(scope="session")
def world() -> Callable[..., Prepared]:
    return make_prepared


@pytest.fixture(scope="session")
def given_scores() -> Callable[[Sequence[Sequence[float]]], Given]:
    return lambda scores: Given(torch.as_tensor(np.asarray(scores), dtype=torch.float32))
