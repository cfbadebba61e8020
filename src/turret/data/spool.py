"""Arrays on the disk: saved, mapped into memory, and held there while a dataset is made that is larger than memory."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def save(values: Array, path: Path) -> None:
    """Writes an array into a .npy file."""
    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(values), allow_pickle=False)


def mapped(path: Path) -> Array:
    """The array of a .npy file, read when it is used."""
    try:
        # As a plain array over the map, since slicing the subclass costs several times more.
        return np.lib.format.open_memmap(path, mode="r").view(np.ndarray)
    except ValueError:  # An empty array cannot be mapped.
        with path.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def let_go(values: Array) -> None:
    """Takes a mapped array out of this process's memory, where the system would leave all that was ever read of it; nothing for others.

    What is read again comes from the system's cache, or from the disk.
    """
    under: Any = values
    while isinstance(under, np.ndarray):
        under = under.base
    if isinstance(under, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        under.madvise(mmap.MADV_DONTNEED)


class Spool:
    """Arrays that wait in a folder until their place is known.

    Args:
        folder: where; it is made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._held: dict[int, tuple[Array, Path]] = {}

    def keep(self, values: Array) -> Array:
        """The same array, mapped."""
        path = self._folder / f"{len(self._held)}.npy"
        save(values, path)
        there = mapped(path)
        self._held[id(there)] = (there, path)
        return there

    def move(self, values: Array, path: Path) -> bool:
        """Gives the file of an array that `keep` returned its name; False for any other array, and where a mapped file cannot be moved."""
        held = self._held.get(id(values))
        if held is None:
            return False
        try:
            held[1].replace(path)
        except OSError:  # As some systems have it of files that are in use.
            return False
        return True
