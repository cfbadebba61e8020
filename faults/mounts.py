"""Small disks: a tmpfs of a given size, which can fill up, be read-only, and grow again; and folders whose files nobody may make or rename.

Only root can have either. Permissions do not bind root, and a disk on which a file is open for writing cannot be made read-only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.verdict import Skipped

PAGE = 4096
ROOM = 256 * 1024 * 1024
"""Bytes of a disk with room for everything."""


class Disk:
    """A mounted tmpfs.

    Args:
        path: where.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def remount(self, options: str) -> None:
        """With other options."""
        _done("mount", "-o", f"remount,{options}", str(self.path))

    def fill(self) -> None:
        """Takes all that is free."""
        file = os.open(self.path / ".filler", os.O_WRONLY | os.O_CREAT)
        try:
            block = b"\0" * PAGE
            while os.write(file, block) == PAGE:
                pass
        except OSError:
            pass
        finally:
            os.close(file)

    def empty(self) -> None:
        """Gives it back, and there is room for everything."""
        self.remount(f"rw,size={ROOM}")
        (self.path / ".filler").unlink(missing_ok=True)


@contextmanager
def disk(path: Path, size: int = ROOM) -> Iterator[Disk]:
    """A disk of some bytes in a folder, which is made.

    Raises:
        Skipped: this user, or this system, cannot mount one.
    """
    _only_root()
    path.mkdir(exist_ok=True)
    if not _done("mount", "-t", "tmpfs", "-o", f"size={max(size // PAGE, 1) * PAGE}", "faults", str(path)):
        raise Skipped("a tmpfs cannot be mounted here")
    try:
        yield Disk(path)
    finally:
        _done("umount", "-l", str(path))


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    """A folder in which no file can be made, renamed or removed meanwhile.

    Raises:
        Skipped: this user, or this disk, cannot do that.
    """
    _only_root()
    if not _done("chattr", "+i", str(path)):
        raise Skipped("folders cannot be made immutable here")
    try:
        yield
    finally:
        _done("chattr", "-i", str(path))


def _only_root() -> None:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise Skipped("only root on Linux may mount a small tmpfs, or make a folder immutable")


def _done(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0
