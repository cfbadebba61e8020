"""Arrays that wait on the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from turret.data.spool import Spool, let_go, mapped, save


def test_what_is_kept_is_the_same_and_its_file_moves_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    values = np.arange(10, dtype=np.int32)[::2]
    there = spool.keep(values)
    assert isinstance(there.base, np.memmap) and there.dtype == np.int32 and there.tolist() == [0, 2, 4, 6, 8]
    assert spool.move(there, tmp_path / "a.npy") and mapped(tmp_path / "a.npy").tolist() == there.tolist()
    assert not list((tmp_path / "spool").iterdir())


def test_other_arrays_do_not_move(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    there = spool.keep(np.arange(10))
    assert not spool.move(there[:5], tmp_path / "a.npy") and not spool.move(np.arange(10), tmp_path / "a.npy")
    assert spool.keep(np.empty(0)).shape == (0,)


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
