"""Threads over rows: kernels that release the GIL run on chunks of rows, each row computed by one thread alone.

Plain threads rather than numba's own parallel loops: no second OpenMP runtime beside torch's, one setting (`torch.set_num_threads`,
`OMP_NUM_THREADS`) for both, and results that do not depend on the number of threads. Those of torch do; so where bits must not,
`kernels_on` leaves the kernels their threads while torch has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNKS_A_THREAD = 16
"""Rows differ in cost (a popular item, a busy user); many chunks even that out."""

_of_kernels: int | None = None
"""Threads of the kernels; None: as many as torch has."""


def threads() -> int:
    """How many threads kernels run on."""
    return torch.get_num_threads() if _of_kernels is None else _of_kernels


def over_rows(work: Callable[[int, int], object], rows: int, least: int = 16) -> None:
    """Calls `work(start, stop)` until 0..rows-1 are done, on as many `threads` as there are.

    All chunks but the last have `least` rows or more.
    """
    count = threads()
    chunk = max(least, -(-rows // (count * CHUNKS_A_THREAD)))
    if count == 1 or rows <= chunk:
        work(0, rows)
        return
    for done in [_pool(count).submit(work, start, min(start + chunk, rows)) for start in range(0, rows, chunk)]:
        done.result()


def each_alone(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`work` of every item, in their order, on as many `threads` as there are; inside `work` torch and kernels have that one thread.

    For pieces of work that need nothing of each other: what a piece computes stays in the cache of its core, and no core waits for another
    inside a piece.
    """
    count = threads()
    if count == 1 or len(items) < 2:
        return [work(item) for item in items]
    # one part of torch's setting is each thread's own, the other is shared: hence both
    with at_most(1), ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(pool.map(work, items))


@contextmanager
def at_most(most: int | None) -> Iterator[None]:
    """Lets torch and kernels use no more than `most` threads for a while; None changes nothing."""
    of_torch, of_kernels = torch.get_num_threads(), _of_kernels
    with _set(min(of_torch, most or of_torch), None if of_kernels is None else min(of_kernels, most or of_kernels)):
        yield


@contextmanager
def kernels_on(count: int) -> Iterator[None]:
    """Leaves torch one thread for a while, and gives kernels `count`: whatever is computed then has the same bits for any `count`."""
    with _set(1, count):
        yield


@contextmanager
def _set(of_torch: int, of_kernels: int | None) -> Iterator[None]:
    """Both settings for a while; then those before come back."""
    global _of_kernels
    before = torch.get_num_threads(), _of_kernels
    try:
        torch.set_num_threads(of_torch)
        _of_kernels = of_kernels
        yield
    finally:
        torch.set_num_threads(before[0])
        _of_kernels = before[1]


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Kept, since starting threads costs more than a training step's work for them."""
    return ThreadPoolExecutor(threads)
