"""Inner products of rows of two tables, and what their gradient adds to each row, without a copy of any looked-up row.

Letters: B queries, each with its own C candidates; n and I rows of the tables, D their width. All numbers are float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.ahead import AHEAD, ask, near

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def scores(users: Array, items: Array, user_table: Array, item_table: Array, found: Array) -> None:
    """found[b, c] = <user_table[users[b]], item_table[items[b, c]]>, for int64 [B] and [B, C]."""
    for b in range(len(users)):
        if b + AHEAD < len(users):
            ask(user_table, users[b + AHEAD])
            for c in range(items.shape[1]):
                ask(item_table, items[b + AHEAD, c])
        left = user_table[users[b]]
        for c in range(items.shape[1]):
            right = item_table[items[b, c]]
            total = np.float32(0)
            for d in range(len(left)):
                total += left[d] * right[d]
            found[b, c] = total


@njit(cache=True, nogil=True, fastmath={"contract"})
def gradients(
    users: Array,
    items: Array,
    user_table: Array,
    item_table: Array,
    of_scores: Array,
    user_slot: Array,
    item_slot: Array,
    user_sums: Array,
    item_sums: Array,
) -> tuple[Array, Array, Array, Array]:
    """The different users in order of appearance and the gradient of each one's row, then the different items and theirs.

    Args:
        users: int64 [B].
        items: int64 [B, C].
        user_table: [n, D].
        item_table: [I, D].
        of_scores: [B, C] the gradient of each score.
        user_slot: int32 [n] scratch, -1 everywhere between calls.
        item_slot: int32 [I] likewise.
        user_sums: float32 [>= B, D] gets the users' gradients.
        item_sums: float32 [>= B C, D] gets the items'.
    """
    width = user_table.shape[1]
    user_rows, item_rows = np.empty(len(users), np.int64), np.empty(items.size, np.int64)
    n_users = n_items = 0
    for b in range(len(users)):
        if b + AHEAD < len(users):
            ask(user_table, users[b + AHEAD])
            near(user_slot, users[b + AHEAD] * user_slot.itemsize)
            for c in range(items.shape[1]):
                ask(item_table, items[b + AHEAD, c])
                near(item_slot, items[b + AHEAD, c] * item_slot.itemsize)
        place = user_slot[users[b]]
        if place < 0:
            place = n_users
            user_slot[users[b]] = place
            user_rows[place] = users[b]
            n_users += 1
            for d in range(width):
                user_sums[place, d] = 0
        left, of_user = user_table[users[b]], user_sums[place]
        for c in range(items.shape[1]):
            item, g = items[b, c], of_scores[b, c]
            right = item_table[item]
            place = item_slot[item]
            if place < 0:
                item_slot[item] = n_items
                item_rows[n_items] = item
                of_item = item_sums[n_items]
                n_items += 1
                for d in range(width):
                    of_user[d] += g * right[d]
                    of_item[d] = g * left[d]
            else:
                of_item = item_sums[place]
                for d in range(width):
                    of_user[d] += g * right[d]
                    of_item[d] += g * left[d]
    for r in range(n_users):
        user_slot[user_rows[r]] = -1
    for r in range(n_items):
        item_slot[item_rows[r]] = -1
    return user_rows[:n_users], user_sums[:n_users], item_rows[:n_items], item_sums[:n_items]
