"""`turret` as a process of its own, and where it stands.

What it prints with `--mode detail` tells in which phase it is, so that nothing has to be built into it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

START, PREPARATION, TRAINING, TESTING = "start", "preparation", "training", "testing"
PHASES = (START, PREPARATION, TRAINING, TESTING)
LIMIT = 240.0
"""Seconds after which a process that neither ends nor speaks is given up."""
OFTEN = "0.05"
"""Seconds between two checkpoints, where they are to be frequent."""
CHILD = Path(__file__).with_name("child.py")


def environment(cache: Path, kernels: Path | None = None) -> dict[str, str]:
    """Of every process: a cache of its own, one thread, what it prints at once, compiled `kernels` in a given folder."""
    kept = {name: value for name, value in os.environ.items() if name not in ("TURRET_DATA", "TURRET_DEBUG")}
    if kernels is not None:
        kept["NUMBA_CACHE_DIR"] = str(kernels)
    return kept | {"XDG_CACHE_HOME": str(cache), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: what it left with; less than zero is the signal that killed it.
        out, err: what it printed.
        began: seconds from its start to the beginning of each phase that it came to, and to its end under the name `end`.
    """

    code: int
    out: str
    err: str
    began: Mapping[str, float]

    @property
    def said(self) -> str:
        """Its last words, for whoever wants to know what went wrong."""
        return (self.err.strip() or self.out.strip())[-500:]

    def seconds(self, phase: str) -> float:
        """How long a phase took."""
        order = [self.began[name] for name in (*PHASES[PHASES.index(phase) :], "end") if name in self.began]
        return order[1] - order[0]


class Command:
    """A `turret` command that runs.

    Args:
        words: after `turret`.
        folder: where it runs.
        cache: its XDG_CACHE_HOME.
        kernels: where its compiled kernels are kept; None leaves them where they are.
        often: whether it writes checkpoints several times a second, not only every few seconds.
    """

    def __init__(self, words: Sequence[str], folder: Path, cache: Path, kernels: Path | None = None, often: bool = False) -> None:
        program = [sys.executable, str(CHILD), "--checkpoints", OFTEN, "--"] if often else [sys.executable, "-m", "turret.cli.main"]
        self._start = time.perf_counter()
        self.began = {START: 0.0}
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._errors: list[str] = []
        self._process = subprocess.Popen(
            [*program, *words],
            cwd=folder,
            env=environment(cache, kernels),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._readers = [threading.Thread(target=self._listen), threading.Thread(target=self._listen_to_errors)]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def rounds(self) -> int:
        """Rounds that it has told of."""
        return sum(line.startswith("epoch ") for line in self._lines)

    @property
    def phase(self) -> str:
        """Where it stands: its phase, and in training the rounds that it has told of."""
        phase = max(self.began, key=self.began.__getitem__)
        return f"{phase}, {self.rounds} rounds told" if phase == TRAINING else phase

    def reaches(self, phase: str) -> bool:
        """Waits for a phase to begin; False where the process ended first."""
        with self._changed:
            self._changed.wait_for(lambda: phase in self.began or self._over, LIMIT)
            return phase in self.began

    def trains(self, rounds: int) -> bool:
        """Waits until it has told of so many rounds; False where it ended first."""
        with self._changed:
            self._changed.wait_for(lambda: self.rounds >= rounds or self._over, LIMIT)
            return self.rounds >= rounds

    def at(self, phase: str, seconds: float) -> bool:
        """Waits for a moment in a phase; False where the process ended first."""
        if not self.reaches(phase):
            return False
        try:
            self._process.wait(max(self._start + self.began[phase] + seconds - time.perf_counter(), 0.0))
        except subprocess.TimeoutExpired:
            return True
        return False

    def send(self, number: signal.Signals) -> bool:
        """Sends it a signal; False where it has ended already."""
        if self._process.poll() is not None:
            return False
        self._process.send_signal(number)
        return True

    def wait(self) -> Ended:
        """Waits for its end; one that never comes is made."""
        try:
            self._process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        ended = time.perf_counter() - self._start
        for reader in self._readers:
            reader.join()
        return Ended(self._process.returncode, "".join(self._lines), "".join(self._errors), {**self.began, "end": ended})

    _over = False

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with self._changed:
                    self._lines.append(line)
                    for phase, mark in ((PREPARATION, "reading "), (TRAINING, "run: "), (TESTING, "testing")):
                        if line.startswith(mark):
                            self.began.setdefault(phase, time.perf_counter() - self._start)
                    self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _listen_to_errors(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            self._errors.extend(lines)
