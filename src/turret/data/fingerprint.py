"""What identifies a prepared dataset: the content of its inputs and the settings."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError

SETTLED = 2.0
"""Seconds after which a file's times tell it from what it was: changes within the clock's grain of each other look the same."""


def of_files(paths: Mapping[str, Path], memory: Path) -> dict[str, str]:
    """The content hash of each file, by the same names.

    A file whose size and times are those that `memory` (a JSON file) holds is not read again.
    """
    try:
        known: dict[str, Any] = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    hashes: dict[str, str] = {}
    learned: dict[str, Any] = {}
    for name, path in paths.items():
        where, status = str(path.resolve()), path.stat()
        looks = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        entry = known.get(where)
        if entry is not None and entry["looks"] == looks:
            hashes[name] = entry["hash"]
            continue
        hashes[name] = _of_file(path)
        if time.time() - max(status.st_mtime, status.st_ctime) > SETTLED:
            learned[where] = {"looks": looks, "hash": hashes[name]}
    if learned:
        part = memory.with_name(f"{memory.name}.{os.getpid()}")
        part.write_text(json.dumps({**known, **learned}, indent=1), encoding="utf-8")
        part.replace(memory)
    return hashes


def of_values(value: Any) -> str:
    """The hash of plain values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def of_array(values: npt.NDArray[Any]) -> str:
    """The hash of an array's type, shape and content."""
    digest = hashlib.sha256(f"{values.dtype.str} {values.shape}".encode())
    digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _of_file(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from None
    return digest.hexdigest()
