"""Coordinate descent for the elastic nets of SLIM: each column j of W [I, I] from the Gram matrix G = X^T X of a binary X [U, I].

    minimise over w >= 0 with w_j = 0    1/2 w^T G w  -  w^T G_j  +  ridge / 2 |w|^2  +  lasso sum(w)

One weight at a time has its minimum at  w_m = max(0, slack_m / (G_mm + ridge)),  slack_m = G_mj - lasso - sum of G_mi w_i over i other
than m. No entry of G is negative and no weight is, so no slack is above G_mj - lasso: items where that is 0 or less never have a weight
and are not looked at.

G comes sparse, by rows: `offsets` [I + 1], `items` and `together` [n], an entry for each two items that some user has both of.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]
TURNS = 4
"""Over all candidates of a column, at most, in a sweep: rows of G that it has fetched serve it for so long."""
PASSES = 100
"""Over those that have moved, at most, after each."""


@njit(cache=True, nogil=True)
def gram_sizes(start: int, stop: int, user_offsets: Array, user_items: Array, item_offsets: Array, users: Array, size: Array) -> None:
    """How many entries rows start..stop-1 of G have, into `size` [I].

    X comes twice: by user (`user_offsets` [U + 1], `user_items` [n]) and by item (`item_offsets` [I + 1], `users` [n]).
    """
    met_by = np.full(len(item_offsets) - 1, -1, dtype=np.int64)
    for i in range(start, stop):
        count = 0
        for p in range(item_offsets[i], item_offsets[i + 1]):
            u = users[p]
            for q in range(user_offsets[u], user_offsets[u + 1]):
                if met_by[user_items[q]] != i:
                    met_by[user_items[q]] = i
                    count += 1
        size[i] = count


@njit(cache=True, nogil=True)
def gram_rows(
    start: int,
    stop: int,
    user_offsets: Array,
    user_items: Array,
    item_offsets: Array,
    users: Array,
    offsets: Array,
    items: Array,
    together: Array,
) -> None:
    """Rows start..stop-1 of G, into `items` and `together`, where `offsets` leaves place for the entries that `gram_sizes` counts."""
    count = np.zeros(len(item_offsets) - 1, dtype=together.dtype)
    for i in range(start, stop):
        end = offsets[i]
        for p in range(item_offsets[i], item_offsets[i + 1]):
            u = users[p]
            for q in range(user_offsets[u], user_offsets[u + 1]):
                j = user_items[q]
                if count[j] == 0:
                    items[end] = j
                    end += 1
                count[j] += 1
        for p in range(offsets[i], end):
            together[p] = count[items[p]]
            count[items[p]] = 0


@njit(cache=True, nogil=True)
def sweep(
    start: int,
    stop: int,
    offsets: Array,
    items: Array,
    together: Array,
    counts: Array,
    ids: Array,
    nearness: Array,
    w_offsets: Array,
    w_rows: Array,
    w_values: Array,
    lasso: float,
    ridge: float,
    tolerance: float,
    change: Array,
    weights: Array,
) -> None:
    """A sweep over each of columns start..stop-1: turns over all its candidates, each followed by passes over those that have moved.

    The candidates of column j are the k items `ids[j]` where `nearness[j]` is above 0; both are [I, k], the nearest first. `counts` [I] is
    the diagonal of G. W before the sweep comes by columns (`w_offsets` [I + 1], `w_rows` and `w_values` [m]); no item but a candidate has a
    weight in it. `weights` [I, k] takes the candidates' new weights. `change` [I] takes the largest change in the last turn;
    where it is below `tolerance` already, the column is settled and keeps what it has.
    """
    n_items, most = len(counts), ids.shape[1]
    column, place = np.zeros(n_items, dtype=together.dtype), np.full(n_items, -1, dtype=np.int64)
    slack, w, scale = np.empty(most), np.empty(most), np.empty(most)
    candidate, origin = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    slot, moved = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    rows = np.empty((most, most), dtype=together.dtype)  # of G, of the candidates that have moved; untouched memory costs nothing
    for j in range(start, stop):
        for p in range(offsets[j], offsets[j + 1]):
            column[items[p]] = together[p]
        n = 0
        for number in range(most):
            item = ids[j, number]
            if nearness[j, number] > 0 and column[item] > lasso:
                place[item] = n
                candidate[n], origin[n], slot[n] = item, number, -1
                slack[n], w[n], scale[n] = column[item] - lasso, 0, counts[item] + ridge
                n += 1
        for p in range(offsets[j], offsets[j + 1]):
            column[items[p]] = 0
        for p in range(w_offsets[j], w_offsets[j + 1]):
            w[place[w_rows[p]]] = w_values[p]
        if change[j] >= tolerance:
            count = 0
            for p in range(w_offsets[j], w_offsets[j + 1]):
                m = place[w_rows[p]]
                _fetch(offsets, items, together, place, candidate[m], rows[count, :n])
                slot[m], moved[count] = count, m
                count += 1
                for other in range(n):
                    slack[other] -= rows[slot[m], other] * w[m]
                slack[m] += counts[candidate[m]] * w[m]
            change[j], turns = np.inf, 0
            while change[j] >= tolerance and turns < TURNS:
                change[j], turns = 0, turns + 1
                for m in range(n):
                    step = max(0.0, slack[m] / scale[m]) - w[m]
                    if step != 0:
                        if slot[m] < 0:
                            _fetch(offsets, items, together, place, candidate[m], rows[count, :n])
                            slot[m], moved[count] = count, m
                            count += 1
                        _move(m, step, rows[slot[m], :n], slack, w)
                        change[j] = max(change[j], abs(step))
                largest, passes = change[j], 0
                while largest >= tolerance and passes < PASSES:
                    largest, passes = 0.0, passes + 1
                    for c in range(count):
                        m = moved[c]
                        step = max(0.0, slack[m] / scale[m]) - w[m]
                        if step != 0:
                            _move(m, step, rows[c, :n], slack, w)
                            largest = max(largest, abs(step))
        weights[j] = 0
        for m in range(n):
            weights[j, origin[m]] = w[m]
            place[candidate[m]] = -1


@njit(cache=True, nogil=True)
def _fetch(offsets: Array, items: Array, together: Array, place: Array, item: int, row: Array) -> None:
    """The row of G of `item`, of which `row` takes the entries of those that have a place."""
    row[:] = 0
    for p in range(offsets[item], offsets[item + 1]):
        if place[items[p]] >= 0:
            row[place[items[p]]] = together[p]


@njit(cache=True, nogil=True)
def _move(m: int, step: float, row: Array, slack: Array, w: Array) -> None:
    """Changes the weight of candidate m, and with it the slacks of the others."""
    own = slack[m]
    for other in range(len(row)):
        slack[other] -= row[other] * step
    slack[m] = own
    w[m] += step
