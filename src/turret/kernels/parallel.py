"""Threads over rows: kernels that release the GIL run on chunks of rows, each row computed by one thread alone.

Plain threads rather than numba's own parallel loops: no second OpenMP runtime beside torch's, one setting (`torch.set_num_threads`,
`OMP_NUM_THREADS`) for both, and results that do not depend on the number of threads.
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


def over_rows(work: Callable[[int, int], object], rows: int, least: int = 16) -> None:
    """Calls `work(start, stop)` until 0..rows-1 are done, on as many threads as torch uses.

    All chunks but the last have `least` rows or more.
    """
    threads = torch.get_num_threads()
    chunk = max(least, -(-rows // (threads * CHUNKS_A_THREAD)))
    if threads == 1 or rows <= chunk:
        work(0, rows)
        return
    for done in [_pool(threads).submit(work, start, min(start + chunk, rows)) for start in range(0, rows, chunk)]:
        done.result()


def each_alone(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`work` of every item, in their order, on as many threads as torch uses; inside `work` torch has that one thread.

    For pieces of work that need nothing of each other: what a piece computes stays in the cache of its core, and no core waits for another
    inside a piece.
    """
    threads = torch.get_num_threads()
    if threads == 1 or len(items) < 2:
        return [work(item) for item in items]
    # one part of torch's setting is each thread's own, the other is shared: hence both
    with at_most(1), ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(pool.map(work, items))


@contextmanager
def at_most(threads: int | None) -> Iterator[None]:
    """Lets torch use no more than `threads` threads for a while; None changes nothing."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(before, threads or before))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Kept, since starting threads costs more than a training step's work for them."""
    return ThreadPoolExecutor(threads)
