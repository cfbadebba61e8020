"""What this machine does at most: a bare matrix product and a bare copy, measured between the rounds of a case."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from bench.peers.case import Work

ORDER = 2048
COPIED = 1 << 28
REPEATS = 3


@dataclass(frozen=True)
class Machine:
    """Float32 operations and copied bytes (read and written both count) a second."""

    operations: float
    moved: float


def machine(threads: int) -> Machine:
    """Measures it with so many threads: the best of a few repeats."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        left, right = torch.rand(ORDER, ORDER), torch.rand(ORDER, ORDER)
        source, target = torch.zeros(COPIED, dtype=torch.uint8), torch.ones(COPIED, dtype=torch.uint8)
        out = torch.empty(ORDER, ORDER)
        return Machine(2 * ORDER**3 / _best(lambda: torch.mm(left, right, out=out)), 2 * COPIED / _best(lambda: target.copy_(source)))
    finally:
        torch.set_num_threads(before)


def floor_seconds(work: Work, machines: list[Machine]) -> float:
    """The least seconds that the work can take: the longer of its operations and its bytes, at the median of what the machine did."""
    operations = float(np.median([each.operations for each in machines]))
    moved = float(np.median([each.moved for each in machines]))
    return max(work.operations / operations, work.moved / moved)


def _best(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)
