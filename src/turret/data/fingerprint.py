"""What identifies a prepared dataset: the content of its inputs and the settings."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
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
        where, status = str(path.resolve()), path.stat()
        looks = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        entry = known.get(where)
        if isinstance(entry, dict) and entry.get("looks") == looks and isinstance(entry.get("hash"), str):
            hashes[name] = entry["hash"]
            continue
        hashes[name] = digest(path)
        if time.time() - max(status.st_mtime, status.st_ctime) > SETTLED:
            learned[where] = {"looks": looks, "hash": hashes[name]}
    if learned:
        with suppress(TurretError):
            write_sealed(memory, {**known, **learned})
    return hashes


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
