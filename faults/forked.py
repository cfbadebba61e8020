"""`turret` where hundreds are needed: processes forked from one that has imported everything, each in a fraction of a second.

They are real processes, which a SIGKILL ends as it ends any other; what they lack is the time that the imports take.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.child import Clock, checkpoints_every
from faults.command import LIMIT, Ended, environment

HEAVY = ("turret.cli.train", "turret.cli.evaluate", "turret.cli.index", "turret.cli.predict", "duckdb", "numba", "scipy.sparse", "pandas")
OUT, ERR, TICKS = "stdout.txt", "stderr.txt", "ticks.txt"


@dataclass(frozen=True)
class Death:
    """When a process kills itself.

    Attributes:
        tick: of its `Clock`, before which; 0 is never.
        torn: the seed of a power cut, which takes along what is not synced; None for a mere kill.
    """

    tick: int
    torn: int | None = None


def run(words: Sequence[str], folder: Path, cache: Path, death: Death | None = None) -> Ended:
    """Runs a command to its end, or to its death; one that is to die writes a checkpoint after every step."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*HEAVY, "faults.forked"])
    process = context.Process(target=_run, args=(list(words), str(folder), environment(cache), death))
    process.start()
    process.join(LIMIT)
    if process.exitcode is None:
        process.kill()
        process.join()
    code = process.exitcode
    assert code is not None
    return Ended(code, (folder / OUT).read_text(), (folder / ERR).read_text(), {})


def ticks(folder: Path) -> int:
    """How many operations on files the last command of `run` in a folder made, where it was not killed."""
    return int((folder / TICKS).read_text())


def _run(words: list[str], folder: str, surroundings: dict[str, str], death: Death | None) -> None:
    os.chdir(folder)
    os.environ.update(surroundings)
    for name, number in ((OUT, 1), (ERR, 2)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
    import torch

    torch.set_num_threads(1)
    from turret.cli.main import main

    if death is not None:
        checkpoints_every(0.0)
    clock = Clock(Path(folder), death.tick if death else 0, death.torn if death else None)
    clock.start()
    code = main(words)
    sys.stdout.flush()
    counted = clock.ticks
    Path(TICKS).write_text(str(counted))
    sys.exit(code)
