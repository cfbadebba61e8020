"""Tensors in a safetensors file that carries a checksum of them: what is read is what was written, or the file is refused by name.

The checksum is over names, types, shapes and values, and what the header says beside them; it is kept in the header itself, so that a file
is whole without any other.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from turret.core.errors import InputError, TurretError
from turret.core.files import CHECKSUM, write_atomically

Notes = Mapping[str, str]


def save(path: Path, tensors: Mapping[str, Tensor], notes: Notes) -> None:
    """Writes tensors, whole or not at all.

    Args:
        path: of the file.
        tensors: by name, on any device.
        notes: short texts for the header.

    Raises:
        TurretError: it cannot be written; what was there before is still there.
    """
    kept = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    header = {**notes, CHECKSUM: _checksum(kept, notes)}

    def write(place: Path) -> None:
        try:
            safetensors.torch.save_file(kept, place, header)
        except safetensors.SafetensorError as error:  # As the library has it of what the system says.
            raise _as_system_error(error) from None

    write_atomically(path, write)


def load(path: Path, hint: str | None = None) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the notes of a file.

    Raises:
        InputError: it is missing, cut off, altered or something else.
    """
    if not path.is_file():
        raise InputError("the file is missing", path=path, hint=hint)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            notes: dict[str, str] = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (safetensors.SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise InputError(f"cannot be read: it is cut off, or none of ours ({_first_line(error)})", path=path, hint=hint) from None
    said = notes.pop(CHECKSUM, None)
    if said is None:
        raise InputError("has no checksum: it is none of ours, or of an older version of Turret", path=path, hint=hint)
    if said != _checksum(tensors, notes):
        raise InputError("was altered after it was written", path=path, hint=hint)
    return tensors, notes


def _checksum(tensors: Mapping[str, Tensor], notes: Notes) -> str:
    found = hashlib.sha256(json.dumps(dict(notes), sort_keys=True).encode())
    for name in sorted(tensors):
        value = tensors[name]
        found.update(f"\n{name} {value.dtype} {list(value.shape)}\n".encode())
        if value.numel():
            flat = value.reshape(-1)
            found.update((flat if flat.stride(0) == 1 else flat.clone()).view(torch.uint8).numpy().data)
    return found.hexdigest()


def _as_system_error(error: Exception) -> OSError | TurretError:
    number = re.search(r"os error (\d+)", str(error))
    if number is None:
        return TurretError(f"tensors cannot be written: {_first_line(error)}")
    return OSError(int(number[1]), os.strerror(int(number[1])))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
