from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from turret.kernels.parallel import over_rows


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("rows", [0, 1, 16, 17, 1000])
def test_every_row_is_done_once(threads: int, rows: int) -> None:
    done = np.zeros(rows, dtype=np.int64)

    def work(start: int, stop: int) -> None:
        done[start:stop] += 1

    over_rows(work, rows)
    assert np.all(done == 1)


def test_chunks_run_beside_each_other(threads: int) -> None:
    """Each of three chunks waits for the other two."""
    if threads == 1:
        pytest.skip("needs several threads")
    barrier = threading.Barrier(threads)
    over_rows(lambda start, stop: barrier.wait(timeout=10), threads, least=1)
    assert not barrier.broken


def test_an_error_reaches_the_caller(threads: int) -> None:
    def work(start: int, stop: int) -> None:
        if stop == 1000:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        over_rows(work, 1000)
