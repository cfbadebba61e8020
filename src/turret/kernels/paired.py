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


@njit(cache=True, nogil=True, forceinline=True)
def _look_ahead(b: int, users: Array, items: Array, user_table: Array, item_table: Array, user_slot: Array, item_slot: Array) -> None:
    """Asks for what query b + AHEAD needs."""
    if b + AHEAD < len(users):
        ask(user_table, users[b + AHEAD])
        near(user_slot, users[b + AHEAD] * user_slot.itemsize)
        for c in range(items.shape[1]):
            ask(item_table, items[b + AHEAD, c])
            near(item_slot, items[b + AHEAD, c] * item_slot.itemsize)


@njit(cache=True, nogil=True, forceinline=True)
def _place_of(row: int, slot: Array, rows: Array, sums: Array, count: int) -> tuple[int, int]:
    """Where a row's gradient is summed, at a place of zeros where it is new; and how many rows there are then."""
    place = slot[row]
    if place < 0:
        place = count
        slot[row] = place
        rows[place] = row
        for d in range(sums.shape[1]):
            sums[place, d] = 0
        count += 1
    return place, count


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
    user_rows, item_rows = np.empty(len(users), np.int64), np.empty(items.size, np.int64)
    n_users = n_items = 0
    for b in range(len(users)):
        _look_ahead(b, users, items, user_table, item_table, user_slot, item_slot)
        place, n_users = _place_of(users[b], user_slot, user_rows, user_sums, n_users)
        left, of_user = user_table[users[b]], user_sums[place]
        for c in range(items.shape[1]):
            place, n_items = _place_of(items[b, c], item_slot, item_rows, item_sums, n_items)
            right, of_item, g = item_table[items[b, c]], item_sums[place], of_scores[b, c]
            for d in range(len(left)):
                of_user[d] += g * right[d]
                of_item[d] += g * left[d]
    for r in range(n_users):
        user_slot[user_rows[r]] = -1
    for r in range(n_items):
        item_slot[item_rows[r]] = -1
    return user_rows[:n_users], user_sums[:n_users], item_rows[:n_items], item_sums[:n_items]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"}, error_model="numpy")
def bpr(
    users: Array,
    items: Array,
    user_table: Array,
    item_table: Array,
    counts: Array,
    share: Array,
    user_slot: Array,
    item_slot: Array,
    user_sums: Array,
    item_sums: Array,
) -> tuple[float, Array, Array, Array, Array]:
    """`losses.pairwise.bpr` of the first candidate against the others, and what `gradients` gives for it, in one pass over the rows.

    Args:
        users: int64 [B].
        items: int64 [B, C], the right one first.
        user_table: [n, D].
        item_table: [I, D].
        counts: bool [B, C - 1], False where a negative does not count; without rows where all do.
        share: [B] what the loss of each query counts.
        user_slot: int32 [n] scratch, -1 everywhere between calls.
        item_slot: int32 [I] likewise.
        user_sums: float32 [>= B, D] gets the users' gradients.
        item_sums: float32 [>= B C, D] gets the items'.
    """
    one, zero = np.float32(1), np.float32(0)
    user_rows, item_rows = np.empty(len(users), np.int64), np.empty(items.size, np.int64)
    of_score = np.empty(items.shape[1], np.float32)
    n_users = n_items = 0
    total = 0.0
    for b in range(len(users)):
        _look_ahead(b, users, items, user_table, item_table, user_slot, item_slot)
        left = user_table[users[b]]
        for c in range(items.shape[1]):
            right, score = item_table[items[b, c]], zero
            for d in range(len(left)):
                score += left[d] * right[d]
            of_score[c] = score
        competing = 0
        for c in range(1, items.shape[1]):
            competing += 1 if len(counts) == 0 or counts[b, c - 1] else 0
        each = share[b] / np.float32(max(competing, 1))
        positive, pull, lost = of_score[0], zero, zero
        for c in range(1, items.shape[1]):
            if len(counts) > 0 and not counts[b, c - 1]:
                of_score[c] = 0
                continue
            margin = positive - of_score[c]
            small = np.exp(-abs(margin))
            lost += np.log1p(small) + max(-margin, zero)
            slope = each * (small if margin >= 0 else one) / (one + small)  # each sigmoid(-margin)
            of_score[c] = slope
            pull += slope
        total += each * lost
        of_score[0] = -pull
        place, n_users = _place_of(users[b], user_slot, user_rows, user_sums, n_users)
        of_user = user_sums[place]
        for c in range(items.shape[1]):
            place, n_items = _place_of(items[b, c], item_slot, item_rows, item_sums, n_items)
            right, of_item, g = item_table[items[b, c]], item_sums[place], of_score[c]
            for d in range(len(left)):
                of_user[d] += g * right[d]
                of_item[d] += g * left[d]
    for r in range(n_users):
        user_slot[user_rows[r]] = -1
    for r in range(n_items):
        item_slot[item_rows[r]] = -1
    return total, user_rows[:n_users], user_sums[:n_users], item_rows[:n_items], item_sums[:n_items]
