"""What identifies a prepared dataset: the content of its inputs and the settings."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError, TurretError
from turret.core.files import digest, read_sealed, write_sealed

SETTLED = 2.0
"""Seconds after which a file's times tell it from what it was: changes within the clock's grain of each other look the same."""


def of_files(paths: Mapping[str, Path], memory: Path) -> dict[str, str]:
    """The content hash of each file, by the same names.

    A file whose size and times are those that `memory` (a JSON file) holds is not read again. Where that cannot be written, files are read
    each time.

    Raises:
        InputError: a file cannot be read.
    """
    known = _known(memory)
    hashes: dict[str, str] = {}
    learned: dict[str, Any] = {}
    for name, path in paths.items():
        where, looks = str(path.resolve()), _looks(path)
        if (remembered := _remembered(known, where, looks)) is not None:
            hashes[name] = remembered
            continue
        hashes[name] = digest(path)
        if time.time() - max(looks[1:3]) / 1e9 > SETTLED:
            learned[where] = {"looks": looks, "hash": hashes[name]}
    if learned:
        with suppress(TurretError):
            write_sealed(memory, {**known, **learned})
    return hashes


def all_known(paths: Iterable[Path], memory: Path) -> bool:
    """Whether `of_files` would read none of these."""
    known = _known(memory)
    return all(_remembered(known, str(path.resolve()), _looks(path)) is not None for path in paths)


def _looks(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _remembered(known: Mapping[str, Any], where: str, looks: list[int]) -> str | None:
    entry = known.get(where)
    found = entry.get("hash") if isinstance(entry, dict) and entry.get("looks") == looks else None
    return found if isinstance(found, str) else None


def _known(memory: Path) -> dict[str, Any]:
    try:
        return read_sealed(memory, "")
    except InputError:
        return {}


def of_array(values: npt.NDArray[Any]) -> str:
    """The hash of an array's type, shape and content."""
    digest = hashlib.sha256(f"{values.dtype.str} {values.shape}".encode())
    digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
