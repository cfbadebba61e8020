"""What intervals draw as a whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from turret.data.prepared import Prepared
from turret.evaluation.units import MOST, ROWS, USERS, Units


def test_users_of_the_part_and_no_others(world: Callable[..., Prepared]) -> None:
    prepared = world({"train": [(0, 0), (1, 0)], "test": [(1, 0), (4, 0), (4, 1), (6, 0)]}, 2, 2)
    units = Units.of(prepared, "test")
    assert units.kind == USERS and units.ids.tolist() == [1, 4, 6] and len(units) == 3
    assert units.of_rows(0, 4).tolist() == [0, 1, 1, 2] and units.of_rows(2, 3).tolist() == [1]


@pytest.mark.parametrize("n", [0, 1, 7, MOST, 12_345])
def test_a_log_without_users_has_groups_of_neighbouring_rows(world: Callable[..., Prepared], n: int) -> None:
    units = Units.of(world({"train": [(0, 0)], "test": [(0, 0)] * n}, 0, 1), "test")
    of_rows = np.concatenate([units.of_rows(0, n // 3), units.of_rows(n // 3, n)])
    assert units.kind == ROWS and len(units) == min(n, MOST)
    assert (np.diff(of_rows) >= 0).all() and set(of_rows) == set(range(len(units)))
    if n:
        sizes = np.bincount(of_rows)
        assert sizes.max() - sizes.min() <= 1
