"""`turret` with liberties that the command itself does not offer: frequent checkpoints, death at a given operation on files.

    python faults/child.py --checkpoints SECONDS -- WORDS OF TURRET

Python tells an audit hook of every file that it opens to write, renames, removes or links, and of every folder that it makes or removes,
before that happens; `os.fsync` is wrapped to be told of too. These are the ticks. A process that kills itself at each tick in turn is seen
in every state that the files can be in between two of them.

A power cut is more than a kill: what was written and never synced may be gone. `torn` therefore cuts each such file somewhere between the
length that was surely on the disk and the one that it has. What is written from outside of Python (tensors, by safetensors) is noticed when
it is renamed; names in a folder that was not synced stay.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
TICKING = ("os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.truncate")


class Clock:
    """Counts the operations on files under a folder, and ends the process at one of them.

    Args:
        folder: operations elsewhere do not count.
        last: the tick, counted from 1, before which the process kills itself; 0 only counts.
        torn: the seed of a power cut; None is a mere kill.
    """

    def __init__(self, folder: Path, last: int = 0, torn: int | None = None) -> None:
        self.folder, self.last, self.torn = str(folder.resolve()), last, torn
        self.ticks = 0
        self._unsynced: dict[str, int] = {}
        self._synced: set[str] = set()
        self._busy = False

    def start(self) -> None:
        """From now on, for as long as the process lives."""
        sync = os.fsync

        def fsync(handle: Any) -> None:
            number = handle if isinstance(handle, int) else handle.fileno()
            path = str(Path(f"/proc/self/fd/{number}").readlink())
            self._tick(f"fsync {path}", path)
            sync(handle)
            self._unsynced.pop(path, None)
            self._synced.add(path)

        os.fsync = fsync  # type: ignore[assignment]
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._busy or not (event in TICKING or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING)):
            return
        if isinstance(arguments[0], int):
            return  # a file that is open already
        path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100 - what is gone cannot be resolved
        self._tick(f"{event} {path}", path)
        if event == "open" and path.startswith(self.folder):
            there = os.path.getsize(path) if os.path.exists(path) and not arguments[2] & os.O_TRUNC else 0  # noqa: PTH202, PTH110
            self._unsynced[path] = min(there, self._unsynced.get(path, there))
            self._synced.discard(path)
        elif event == "os.link":
            self._linked(path, os.path.abspath(os.fsdecode(arguments[1])))  # noqa: PTH100
        elif event == "os.rename":
            self._renamed(path, os.path.abspath(os.fsdecode(arguments[1])))  # noqa: PTH100

    def _linked(self, path: str, new: str) -> None:
        if path in self._unsynced:
            self._unsynced[new] = self._unsynced[path]
        else:
            self._synced.add(new)

    def _renamed(self, path: str, new: str) -> None:
        inside = {old: size for old, size in self._unsynced.items() if old == path or old.startswith(f"{path}/")}
        for old, size in inside.items():
            del self._unsynced[old]
            self._unsynced[new + old[len(path) :]] = size
        if not inside:
            self._unsynced.pop(new, None)
            if path not in self._synced and os.path.isfile(path):  # noqa: PTH113
                self._unsynced[new] = 0  # written from outside of Python, and never synced
            self._synced.add(new)

    def _tick(self, what: str, path: str) -> None:
        if not path.startswith(self.folder):
            return
        self.ticks += 1
        if self.ticks != self.last:
            return
        self._busy = True
        os.write(2, f"killed before {what.replace(self.folder, '.')}\n".encode())
        if self.torn is not None:
            draw = random.Random(self.torn)
            for file, surely in self._unsynced.items():
                with contextlib.suppress(OSError):
                    os.truncate(file, draw.randint(surely, os.path.getsize(file)))  # noqa: PTH202
        os.kill(os.getpid(), signal.SIGKILL)


def checkpoints_every(seconds: float) -> None:
    """Lets the runner write one after so many seconds, where it otherwise waits for more; 0 after every step."""
    from turret.training import runner

    assert runner.fit.__kwdefaults__ is not None
    runner.fit.__kwdefaults__["checkpoint_seconds"] = seconds


def main(words: Sequence[str]) -> int:
    """Runs `turret`."""
    from turret.cli.main import main as turret

    _, seconds, _, *theirs = words
    checkpoints_every(float(seconds))
    return turret(theirs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
