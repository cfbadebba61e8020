"""What goes through a column block by block, against NumPy at once."""

from __future__ import annotations

import numpy as np
import pytest

from turret.data.blocks import BLOCK, blocks, blocks_of_groups, counted, first_where, places, positions, taken

SIZES = [0, 1, 5, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7]


@pytest.mark.parametrize("n", SIZES)
def test_every_row_is_in_one_block(n: int) -> None:
    rows = np.arange(n)
    assert np.array_equal(np.concatenate([rows[:0], *(rows[block] for block in blocks(n))]), rows)


def test_no_group_is_divided() -> None:
    counts = np.random.default_rng(0).integers(0, 9, 500)
    counts[100] = 1000
    of_row, ends = np.repeat(np.arange(500), counts), np.cumsum(counts)
    found = list(blocks_of_groups(counts, 64))
    assert [block.start for block in found] == [0, *(block.stop for block in found[:-1])] and found[-1].stop == len(of_row)
    assert all(block.stop in ends and (block.stop - block.start < 64 + 9 or 100 in of_row[block]) for block in found)
    assert list(blocks_of_groups(counts[:0])) == [] == list(blocks_of_groups(np.zeros(3, dtype=np.int64)))


@pytest.mark.parametrize("n", SIZES)
def test_blocks_give_what_numpy_gives(n: int) -> None:
    generator = np.random.default_rng(n)
    ids, mask, values = generator.integers(-1, 50, n).astype(np.int32), generator.random(n) < 0.3, generator.random(n)
    assert np.array_equal(counted(ids, 60), np.bincount(ids[ids >= 0], minlength=60))
    assert np.array_equal(positions(mask), np.flatnonzero(mask)) and positions(mask).dtype == np.int32
    rows = generator.permutation(n).astype(np.int32)
    assert np.array_equal(taken(values, rows), values[rows]) and np.array_equal(taken(values, mask), values[mask])
    assert first_where(lambda block: block < 0, ids) == next((row for row, code in enumerate(ids.tolist()) if code < 0), None)
    assert first_where(lambda block: block > 2, values) is None


def test_positions_beyond_32_bits_have_64() -> None:
    assert places(2**31) is np.int32 and places(2**31 + 1) is np.int64
