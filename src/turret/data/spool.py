"""Arrays on the disk: saved, mapped into memory, and held there while a dataset is made that is larger than memory."""

from __future__ import annotations

import mmap
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SMALL = 1 << 20
"""Bytes that are not worth a file."""
Keep = Callable[[Array], Array]
"""Takes an array and gives back one of the same content, which may lie elsewhere than in memory."""


def in_memory(values: Array) -> Array:
    """Keeps an array where it is."""
    return values


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
    shared = False  # what was written into a private map would be lost
    while isinstance(under, np.ndarray):
        shared |= getattr(under, "mode", "c") != "c"  # which maps alone have
        under = under.base
    if shared and isinstance(under, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        under.madvise(mmap.MADV_DONTNEED)


class Growing:
    """An array of unknown length that is written to the disk piece by piece.

    Args:
        path: of its file, which goes when nothing refers to the finished array any more.
        dtype: of its values.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike) -> None:
        self._path, self._dtype = path, np.dtype(dtype)
        self._file = path.open("wb")

    def add(self, values: Array) -> None:
        """Appends some values."""
        self._file.write(np.ascontiguousarray(values, dtype=self._dtype).data)

    def finished(self) -> Array:
        """The array, mapped; what is written into it goes to the disk."""
        self._file.close()
        if not self._path.stat().st_size:  # An empty array cannot be mapped.
            return np.empty(0, dtype=self._dtype)
        values = np.memmap(self._path, dtype=self._dtype, mode="r+").view(np.ndarray)
        weakref.finalize(values, _removed, self._path)
        return values


def _removed(path: Path) -> None:
    with suppress(OSError):  # moved, or removed with its folder; some systems do not remove what is mapped
        path.unlink(missing_ok=True)


class Spool:
    """Arrays that wait in a folder until their place is known; the file of one that nothing refers to any more is removed.

    Args:
        folder: where; it is made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._kept = 0
        self._paths: weakref.WeakValueDictionary[Path, Array] = weakref.WeakValueDictionary()

    def keep(self, values: Array) -> Array:
        """The same array, mapped; as it is where it is small."""
        if values.nbytes < SMALL:
            return values
        path = self._folder / f"{self._kept}.npy"
        self._kept += 1
        save(values, path)
        there = mapped(path)
        self._paths[path] = there
        weakref.finalize(there, _removed, path)
        return there

    def move(self, values: Array, path: Path) -> bool:
        """Gives the file of an array that `keep` returned its name; False for any other array, and where a mapped file cannot be moved."""
        held = next((kept for kept, there in self._paths.items() if there is values), None)
        if held is None:
            return False
        try:
            held.replace(path)
        except OSError:  # As some systems have it of files that are in use.
            return False
        del self._paths[held]
        return True
