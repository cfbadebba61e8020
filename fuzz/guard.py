"""What counts as a failure: an error that is none of ours, too much time, too much memory."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fuzz.target import Target

SECONDS = 5.0
"""Of processors, for one input."""
GROWTH = 400 << 20
"""Bytes by which one input may raise the peak of the memory that is in use."""
EVERY = 1.0
"""Seconds between two writings of what was found."""


@dataclass
class Tally:
    """What a target came to.

    Attributes:
        inputs: how many were read.
        refused: how many ended in an error of ours.
        seconds: all of them together.
        slowest: seconds of processors of the slowest one.
        peak: bytes of memory in use, at most.
        failures: by the place in the code, what went wrong first, the file that keeps that input, and how often it happened.
    """

    inputs: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    peak: int = 0
    failures: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Into a file of JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Tally:
        """What `write` wrote; nothing where it did not."""
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else cls()


class Guard:
    """Reads inputs one by one, and keeps those that fail.

    Args:
        target: what reads.
        folder: a place for its files.
        kept: where inputs that fail are kept.
    """

    def __init__(self, target: Target, folder: Path, kept: Path) -> None:
        self._target, self._folder, self._kept = target, folder, kept
        self.tally = Tally()

    def __call__(self, data: bytes) -> None:
        """Reads one input."""
        clock, used = time.monotonic(), time.process_time()
        try:
            self._read(data)
        except Exception as error:
            self._failed(_place(error), data, f"{type(error).__name__}: {str(error)[:300]}")
        used = time.process_time() - used
        self.tally.inputs += 1
        self.tally.seconds += time.monotonic() - clock
        before, self.tally.peak = self.tally.peak, _peak()
        if used > self.tally.slowest:
            self.tally.slowest = used
        if used > SECONDS:
            self._failed(f"took more than {SECONDS:g} seconds", data)
        # The first inputs load libraries.
        if self.tally.inputs > 100 and self.tally.peak - before > GROWTH:
            self._failed(f"took more than {GROWTH >> 20} MiB", data)

    def _read(self, data: bytes) -> None:
        self._folder.mkdir()
        try:
            self._target.once(data, self._folder)
        except self._target.allowed:
            self.tally.refused += 1
        finally:
            shutil.rmtree(self._folder)

    def _failed(self, where: str, data: bytes, what: str = "") -> None:
        if where not in self.tally.failures:
            kept = self._kept / f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
            kept.write_bytes(data)
            self.tally.failures[where] = (what, str(kept.resolve()), 0)
        what, file, times = self.tally.failures[where]
        self.tally.failures[where] = (what, file, times + 1)


def _peak() -> int:
    """Bytes of memory that the process has had in use at most. What `getrusage` says begins with the peak of the parent."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _place(error: Exception) -> str:
    """The last of our functions that the error came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) != Path(__file__)]
    ours = [frame for frame in frames if "turret" in Path(frame.filename).parts] or frames
    return f"{type(error).__name__} in {Path(ours[-1].filename).name}, {ours[-1].name}"
