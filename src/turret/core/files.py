"""Files that are whole or as they were before: written beside their place and put there in one step, with checksums that tell damage.

Checksums tell what was cut off or altered, not what somebody forged: whoever can write a file can write its checksum too.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from turret.core.errors import InputError, TurretError

Json = dict[str, Any]
CHECKSUM = "checksum"
LONGEST_JSON = 1 << 28
"""Bytes of a manifest, or of any other JSON that is read whole."""
_TEMPORARY = re.compile(r"\..*\.[0-9]+|\.tmp[0-9A-Za-z]{6}")
"""Names of what is half written: our own, and those that safetensors takes while it writes."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a temporary file and makes it `path`, in one step for whoever reads it, to last once this returns.

    Raises:
        TurretError: it cannot be written; what was there before is still there.
    """
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if path.exists() and not path.is_file():
        raise InputError("is no file that could be written anew", path=path)
    try:
        with written(path, write) as temporary:
            temporary.replace(path)
            sync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from None


@contextmanager
def written(path: Path, write: Callable[[Path], object]) -> Iterator[Path]:
    """A file beside `path` that `write` has filled, which lasts; removed at the end where it has not got another name.

    Raises:
        OSError: it cannot be written.
    """
    temporary = temporary_of(path)
    try:
        temporary.unlink(missing_ok=True)
        # Made here, and not where a link of that name might lead.
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)  # where `write` made the file anew, for its owner alone
        sync(temporary)
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def temporary_of(path: Path) -> Path:
    """Where this thread of this process writes what is to become `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}{threading.get_ident()}")


def clear_temporaries(folder: Path) -> None:
    """Removes what processes that were killed left half written. For folders that no other process writes to now."""
    for left in folder.glob(".*"):
        if _TEMPORARY.fullmatch(left.name) and left.is_file():
            left.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> TurretError:
    """What to raise where a file could not be written: bad input, or a failure where the disk is full."""
    why = error.strerror or f"the disk took only a part of it ({error})"  # as NumPy has it, without a number
    if error.errno in (*_FULL, None):
        return TurretError(f"{path}: cannot be written: {why}\n  What was there before is as it was. Make room, then go on.")
    return InputError(f"cannot be written: {why}", path=path)


def sync(path: Path) -> None:
    """Makes what was written to a file, or the entries of a folder, last."""
    if path.is_dir() and sys.platform == "win32":  # Where folders cannot be opened.
        return
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(path: Path) -> str:
    """The SHA-256 of a file's content.

    Raises:
        InputError: it cannot be read.
    """
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                found.update(block)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from None
    return found.hexdigest()


def entry(path: Path) -> Json:
    """What a manifest says of a file: its size and its digest."""
    return {"bytes": path.stat().st_size, "sha256": digest(path)}


def beside(folder: Path, name: object, hint: str) -> Path:
    """The file that a manifest in `folder` names, which is never elsewhere.

    Raises:
        InputError: the name leads out of the folder, or there is no such file.
    """
    if not isinstance(name, str) or not name or Path(name).name != name or "\\" in name or "\0" in name:
        raise InputError(f"{name!r} is no name of a file beside it", path=folder, hint=hint)
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise InputError("the file is missing", path=path, hint=hint)
    return path


def check(path: Path, said: Mapping[str, Any], hint: str, found: str | None = None) -> None:
    """Holds a file against what `entry` said of it.

    Args:
        path: the file.
        said: by the manifest.
        hint: what to do where it is damaged.
        found: its digest, where that is known already.

    Raises:
        InputError: it is cut off, longer, or altered.
    """
    size = path.stat().st_size
    if size != said["bytes"]:
        raise InputError(f"has {size:,} bytes, not the {said['bytes']:,} that were written", path=path, hint=hint)
    if (digest(path) if found is None else found) != said["sha256"]:
        raise InputError("the file was altered after it was written", path=path, hint=hint)


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Writes JSON that carries its own checksum.

    Raises:
        TurretError: it cannot be written.
    """
    text = json.dumps({**content, CHECKSUM: checksum(content)}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(path, lambda place: place.write_text(text, encoding="utf-8"))


def read_sealed(path: Path, hint: str) -> Json:
    """The content of a file that `write_sealed` wrote.

    Raises:
        InputError: it is missing, none, or was altered.
    """
    content = read_json(path, hint)
    said = content.pop(CHECKSUM, None)
    if said is None or said != checksum(content):
        raise InputError("was altered after it was written", path=path, hint=hint)
    return content


def read_json(path: Path, hint: str | None = None) -> Json:
    """The object in a JSON file.

    Raises:
        InputError: it is missing, cannot be read, or is no JSON object.
    """
    if not path.is_file():  # A pipe, or a device, might never end.
        raise InputError("the file is missing", path=path, hint=hint)
    if path.stat().st_size > LONGEST_JSON:
        raise InputError(f"the file is longer than {LONGEST_JSON:,} bytes, as none of ours is", path=path, hint=hint)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path, hint=hint) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"this is not JSON: {error}", path=path, hint=hint) from None
    if not isinstance(content, dict):
        raise InputError("this is no JSON object", path=path, hint=hint)
    return content


def checksum(content: Any) -> str:
    """The SHA-256 of plain values."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@contextmanager
def alone(path: Path, otherwise: Callable[[], object]) -> Iterator[None]:
    """Holds a lock between processes, which ends with the process that holds it, however that ends.

    Args:
        path: of the lock file, which is made and stays.
        otherwise: is called where another process holds the lock, and may raise; the lock is then waited for.

    Raises:
        TurretError: the lock file cannot be made.
    """
    if sys.platform == "win32":  # Where there is none of this kind.
        yield
        return
    import fcntl

    try:
        file = path.open("a")
    except OSError as error:
        raise unwritable(path, error) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            otherwise()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
