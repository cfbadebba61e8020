"""The order of a log's rows, against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from turret.data.blocks import BLOCK
from turret.data.log import Log, by_time, by_user_and_time, rank_in_group, stable_order

TIMES = {
    "none": lambda generator, n: None,
    "few": lambda generator, n: generator.integers(0, 40, n).astype(np.float64),
    "seconds": lambda generator, n: generator.integers(10**9, 2 * 10**9, n).astype(np.float64),
    "fractions": lambda generator, n: generator.random(n) * 1e9,
    "zeros": lambda generator, n: np.where(generator.random(n) < 0.5, 0.0, -0.0) + np.where(generator.random(n) < 0.5, 0.0, 0.5),
    "ascending": lambda generator, n: np.arange(n) / 3,
}


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize(("n", "users"), [(0, 1), (1, 1), (50, 7), (3 * BLOCK, 5 * BLOCK), (3 * BLOCK, 1000), (2 * BLOCK + 1, 2)])
def test_the_order_is_that_of_a_stable_sort(n: int, users: int, time: str) -> None:
    generator = np.random.default_rng(n + users)
    user = (users * generator.random(n) ** 3).astype(np.int32)
    times = TIMES[time](generator, n)
    order = by_user_and_time(user, times)
    assert order.dtype == np.int32 and np.array_equal(order, np.lexsort((np.zeros(n) if times is None else times, user)))
    assert np.array_equal(by_time(times, n), np.arange(n) if times is None else np.argsort(times, kind="stable"))


@pytest.mark.parametrize("most", [1, 1 << 16, 1 << 17, 1 << 40, 1 << 60])
@pytest.mark.parametrize("n", [0, 1, 1000, BLOCK + 3])
def test_a_stable_order_of_small_and_large_keys(n: int, most: int) -> None:
    keys = np.random.default_rng(n).integers(0, most, n)
    keys[n // 2 :] = keys[: n - n // 2][::-1]
    order = stable_order(keys)
    assert order.dtype == np.int32 and np.array_equal(order, np.argsort(keys, kind="stable"))


def test_rank_in_group_counts_the_rows_before() -> None:
    groups = np.repeat([3, 5, 6, 9], [1, 4, 2, 3])
    assert rank_in_group(groups).tolist() == [0, 0, 1, 2, 3, 0, 1, 0, 1, 2] and rank_in_group(groups[:0]).tolist() == []


def test_what_is_taken_lies_where_the_log_keeps_it() -> None:
    kept: list[np.ndarray] = []

    def keep(values: np.ndarray) -> np.ndarray:
        kept.append(values)
        return values

    columns = {"user": np.arange(4), "item": np.arange(4) * 2, "row": np.arange(4) * 3, "time": np.arange(4) / 2}
    log = Log(**columns, labels={"click": np.arange(4) % 2}, keep=keep)
    for rows in (np.array([3, 1]), np.array([False, True, False, True])):
        some = log.take(rows)
        assert np.array_equal(some.time, columns["time"][rows]) and np.array_equal(some.labels["click"], columns["user"][rows] % 2)
        assert some.keep is keep and some.rating is None and some.label is some.labels["click"]
        assert {id(column) for column in kept} == {id(column) for column in (some.user, some.item, some.row, some.time, some.label)}
        kept.clear()
