from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from turret.kernels import parallel
from turret.kernels.parallel import at_most, each_alone, kernels_on, over_rows


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


def test_kernels_keep_their_threads_while_torch_has_one(threads: int) -> None:
    with kernels_on(4):
        assert (torch.get_num_threads(), parallel.threads()) == (1, 4)
        barrier = threading.Barrier(4)
        over_rows(lambda start, stop: barrier.wait(timeout=10), 4, least=1)
        barrier = threading.Barrier(4)
        each_alone(lambda _: barrier.wait(timeout=10), range(4))
        with at_most(2):
            assert (torch.get_num_threads(), parallel.threads()) == (1, 2)
        with kernels_on(1):
            assert parallel.threads() == 1
        assert (torch.get_num_threads(), parallel.threads()) == (1, 4)
    assert torch.get_num_threads() == parallel.threads() == threads


def test_what_runs_alone_divides_nothing_further() -> None:
    """Inside a piece neither torch nor a kernel has more than that one thread, or bits would depend on how many pieces there are."""
    with kernels_on(3):
        assert each_alone(lambda _: (torch.get_num_threads(), parallel.threads()), range(6)) == [(1, 1)] * 6
        assert each_alone(lambda _: torch.get_num_threads(), range(1)) == [1]


def test_an_error_leaves_the_threads_as_they_were(threads: int) -> None:
    with pytest.raises(ZeroDivisionError), kernels_on(5):
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), at_most(1):
        raise ZeroDivisionError
    assert torch.get_num_threads() == parallel.threads() == threads
