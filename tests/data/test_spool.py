"""Arrays that wait on the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from turret.data.spool import SMALL, Growing, Spool, let_go, mapped, save


def test_what_is_kept_is_the_same_and_its_file_moves_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    values = np.arange(SMALL, dtype=np.int32)[::2]
    there = spool.keep(values)
    assert isinstance(there.base, np.memmap) and there.dtype == np.int32 and np.array_equal(there, values)
    assert spool.move(there, tmp_path / "a.npy") and mapped(tmp_path / "a.npy").tolist() == there.tolist()
    assert not list((tmp_path / "spool").iterdir())


def test_other_arrays_do_not_move(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    there, small = spool.keep(np.arange(SMALL)), np.arange(10)
    assert not spool.move(there[:5], tmp_path / "a.npy") and not spool.move(there.copy(), tmp_path / "a.npy")
    assert spool.keep(small) is small and not spool.move(small, tmp_path / "a.npy")


def test_the_file_of_an_array_that_nobody_has_any_more_is_removed(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    first, second = spool.keep(np.arange(SMALL)), spool.keep(np.arange(SMALL + 1))
    view = first[1:]
    del first
    assert len(list((tmp_path / "spool").iterdir())) == 2 and view[-1] == SMALL - 1
    del view
    assert len(list((tmp_path / "spool").iterdir())) == 1 and second[-1] == SMALL
    assert spool.move(second, tmp_path / "a.npy")
    del second
    assert np.array_equal(mapped(tmp_path / "a.npy"), np.arange(SMALL + 1)) and not list((tmp_path / "spool").iterdir())


def test_a_growing_array_is_its_pieces_end_to_end(tmp_path: Path) -> None:
    growing = Growing(tmp_path / "values", np.int32)
    for piece in (np.arange(5), np.arange(10)[::3], np.empty(0)):
        growing.add(piece)
    values = growing.finished()
    assert values.dtype == np.int32 and values.tolist() == [0, 1, 2, 3, 4, 0, 3, 6, 9]
    values[2] = 7
    let_go(values)
    assert values[2] == 7
    del values
    assert not (tmp_path / "values").exists() and Growing(tmp_path / "none", np.float64).finished().shape == (0,)


def test_what_was_read_of_a_mapped_array_can_be_let_go(tmp_path: Path) -> None:
    def resident() -> int:
        """Bytes of mapped files that are in this process's memory."""
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssFile"))

    if not Path("/proc/self/status").exists():
        pytest.skip("reads what Linux says of the process")
    values = np.arange(1 << 22)
    save(values, tmp_path / "values.npy")
    there = mapped(tmp_path / "values.npy")
    before = resident()
    assert there.sum() == values.sum()
    assert resident() > before + values.nbytes // 2
    let_go(there[5:])
    assert resident() < before + values.nbytes // 4
    assert np.array_equal(there, values)
    let_go(values)


def test_what_was_written_into_a_private_map_stays(tmp_path: Path) -> None:
    save(np.arange(1 << 16), tmp_path / "values.npy")
    values = np.load(tmp_path / "values.npy", mmap_mode="c").view(np.ndarray)
    values[:] = 7
    let_go(values)
    assert np.all(values == 7)
