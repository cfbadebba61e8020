"""Downloads original files, and trusts none whose digest is not the right one: until then it has a name that nothing reads."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from turret.core.errors import InputError, TurretError
from turret.data.catalogue.entry import Checksum, Original
from turret.data.catalogue.received import received

Say = Callable[[str], None]
BLOCK = 1 << 18
ABANDONED = 3_600.0
"""Seconds after which a download that no longer grows was left by a process that was killed."""


def download(original: Original, path: Path, say: Say) -> Path:
    """Brings `original` to `path`; it is there complete and verified, or not at all.

    Several processes may do so at once: each has a file of its own until it is whole.

    Raises:
        InputError: there is no such file there, the network failed, or what came is not what should have come.
        TurretError: it cannot be written.
    """
    draft = _beside(path)
    say(f"downloading {original.file} ({original.size / 1e6:,.1f} MB) from {original.url}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(path)
        with draft.open("xb") as file:  # it is new: where somebody has put a link of this name, nothing is written through it
            file.writelines(received(original, _elsewhere(original, path)))
        verify(original, draft, path, say)
        draft.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise TurretError(f"{original.file} cannot be kept in {path.parent}: {reason}\n  Nothing of it was left there.") from None
    finally:
        with suppress(OSError):
            draft.unlink()
    return path


def verify(original: Original, path: Path, known_as: Path, say: Say) -> None:
    """Refuses a file whose digest is not the published one; where none is published, not the one that was recorded the first time.

    Args:
        original: what the file should be.
        path: the file.
        known_as: the path that it has or will have; the record lies beside it.
        say: is told about a digest that is recorded.

    Raises:
        InputError: it is another file.
    """
    record = known_as.with_name(f"{known_as.name}.sha256")
    expected = original.checksum or _recorded(record)
    digest = _digest(path, "sha256" if expected is None else expected.algorithm)
    if expected is None:
        _record(record, f"{digest}  {known_as.name}\n")
        say(f"no checksum of {original.file} is published: its SHA-256, {digest}, is recorded in {record} and asked of it from now on")
    elif digest != expected.value:
        message = f"this is not {original.file}: its {expected.algorithm} is {digest}, not {expected.value} ({expected.source})"
        raise InputError(message, path=known_as, hint="It is damaged, incomplete or another version. Delete it and fetch it again.")


def _recorded(record: Path) -> Checksum | None:
    """The digest that was recorded the first time; None where there was none."""
    if not record.is_file():
        return None
    with record.open("rb") as file:
        found = re.match(rb"[0-9a-f]{64}(?= )", file.read(BLOCK))
    if found is None:
        raise InputError("this is no record of a digest", path=record, hint="Delete it, if the file beside it is the right one.")
    return Checksum("sha256", found[0].decode("ascii"), f"as recorded the first time, in {record}")


def _record(record: Path, text: str) -> None:
    """Writes a record in one step: a reader finds all of it, or none."""
    record.parent.mkdir(parents=True, exist_ok=True)
    draft = _beside(record)
    try:
        with draft.open("x", encoding="ascii") as file:
            file.write(text)
        draft.replace(record)
    finally:
        draft.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    """A name that nobody else uses, or can guess."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")


def _clear_abandoned(path: Path) -> None:
    for left in path.parent.glob(f".{path.name}.*.part"):
        with suppress(FileNotFoundError):  # the process that it belongs to has just finished
            if time.time() - left.lstat().st_mtime > ABANDONED:
                left.unlink()


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _elsewhere(original: Original, path: Path) -> str:
    return f"Without network: download {original.url} elsewhere and put the file here: {path}"
