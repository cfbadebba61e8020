from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from turret.batches.history import Histories
from turret.core.context import ALL, History, Reads
from turret.core.interactions import Interactions
from turret.graphs.matrix import history_matrix, interaction_matrix

N_USERS, N_ITEMS = 4, 5


def log(rows: list[tuple[int, int, float]], weighted: bool, n_items: int = N_ITEMS) -> Interactions:
    user, item, weight = (
        (np.array(column) for column in zip(*sorted(rows, key=lambda row: row[0]), strict=True)) if rows else (np.zeros(0),) * 3
    )
    weights = weight.astype(np.float32) if weighted else None
    return Interactions(user.astype(np.int32), item.astype(np.int32), N_USERS, n_items, weight=weights)


logs = st.lists(st.tuples(st.integers(0, N_USERS - 1), st.integers(0, N_ITEMS - 1), st.integers(1, 9).map(float)), max_size=25)


@given(logs, st.booleans())
def test_an_entry_is_the_sum_of_the_weights_of_its_rows(rows: list[tuple[int, int, float]], weighted: bool) -> None:
    expected = np.zeros((N_USERS, N_ITEMS))
    for user, item, weight in rows:
        expected[user, item] += weight if weighted else 1
    found = interaction_matrix(log(rows, weighted))
    assert np.array_equal(found.toarray(), expected)
    assert found.nnz == len({row[:2] for row in rows})
    assert all(np.all(np.diff(found.indices[found.indptr[user] : found.indptr[user + 1]]) > 0) for user in range(N_USERS))


@given(logs, st.booleans())
def test_the_histories_of_a_log_give_its_matrix(rows: list[tuple[int, int, float]], weighted: bool) -> None:
    """Items that training never saw have no column."""
    known = log([row for row in rows if row[1] < 3], weighted, n_items=3)
    histories = Histories(log(rows, weighted), Reads(history=ALL), N_USERS, N_ITEMS)
    context = histories.context(range(N_USERS))
    assert context.history is not None
    assert np.array_equal(history_matrix(context.history, 3).toarray(), interaction_matrix(known).toarray())


def test_what_the_mask_hides_leaves_no_trace() -> None:
    history = History(
        items=torch.tensor([[2, 0, 7], [1, 1, 4], [3, 3, 3]]),
        mask=torch.tensor([[True, False, True], [True, True, True], [False, False, False]]),
        weights=torch.tensor([[2.0, 5.0, 1.0], [1.0, 3.0, 9.0], [1.0, 1.0, 1.0]]),
    )
    assert history_matrix(history, 4).toarray().tolist() == [[0, 0, 2, 0], [0, 4, 0, 0], [0, 0, 0, 0]]
