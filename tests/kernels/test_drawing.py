"""The guide table, the search that begins from it, and the different items of a sample."""

from __future__ import annotations

import numpy as np
import pytest

from turret.kernels.drawing import distinct, guide, search


@pytest.mark.parametrize("cells", [1, 4, 1024])
def test_the_guide_holds_the_first_item_above_each_cell(cells: int) -> None:
    upper = np.array([0.1, 0.1, 0.25, 0.26, 0.75, 0.999, 1], dtype=np.float32)
    bounds = np.arange(cells + 1, dtype=np.float64) / cells
    expected = np.minimum(np.searchsorted(upper, bounds.astype(np.float32), side="right"), len(upper) - 1)
    assert np.array_equal(guide(upper, cells), expected)


@pytest.mark.parametrize("cells", [1, 4, 65536])
def test_the_search_does_not_depend_on_the_guide(cells: int) -> None:
    draw = np.random.default_rng(0)
    upper = np.sort(draw.random(500).astype(np.float32))
    upper[-1] = 1
    uniform = np.concatenate([upper[:-1], draw.random(10_000, dtype=np.float32), np.float32([0, 1 - 2**-24])])
    items = np.empty(len(uniform), dtype=np.int64)
    search(upper, guide(upper, cells), uniform, items)
    assert np.array_equal(items, np.searchsorted(upper, uniform, side="right"))


def test_different_items_in_order_of_appearance_and_the_scratch_as_before() -> None:
    draw, slot = np.random.default_rng(1), np.full(20, -1, dtype=np.int32)
    for _ in range(50):
        target, sample = draw.integers(0, 20, draw.integers(1, 6)), draw.integers(0, 20, draw.integers(0, 40))
        everything, boundary = np.concatenate([target, sample]), int(draw.integers(0, 30))
        weights = draw.random((2, 20)).astype(np.float32)
        items, right = np.zeros(len(everything), dtype=np.int64), np.zeros(len(target), dtype=np.int64)
        times, weight, own = (np.zeros(n, dtype=np.float32) for n in (len(everything), len(everything), len(target)))
        count = distinct(target, sample, *weights, boundary, slot, items, right, times, weight, own)
        assert items[:count].tolist() == list(dict.fromkeys(everything.tolist()))
        counted = np.where(np.arange(len(everything)) < boundary, weights[0][everything], weights[1][everything])
        for place, item in enumerate(items[:count]):
            assert times[place] == (everything == item).sum() and weight[place] == pytest.approx(
                counted[everything == item].sum(), rel=1e-5
            )
        assert np.array_equal(items[right], target) and np.array_equal(own, counted[: len(target)])
        assert (slot == -1).all()
