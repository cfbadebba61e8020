"""Files that people write, and that are read whole: settings, descriptions, spaces of parameters; and what they name."""

from __future__ import annotations

from pathlib import Path

from turret.core.errors import InputError

LONGEST = 1_000_000
"""Bytes of a file."""


def read(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: there is no such file, it is no UTF-8, or it is longer than what people write.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
        text = content.decode("utf-8")
    except FileNotFoundError:
        raise InputError("there is no such file", path=path) from None
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise InputError(f"cannot be read: {error}", path=path) from None
    if len(content) > LONGEST:
        raise InputError(f"the file is longer than {LONGEST:,} bytes, as no file of settings is", path=path)
    return text.removeprefix("\ufeff")


def is_file(path: Path) -> bool:
    """Whether it is a file, and not, say, a pipe, which would be waited for."""
    try:
        return path.is_file()
    except OSError:  # as of a name that is too long
        return False


def is_there(path: Path) -> bool:
    """Whether it is a file or a folder."""
    try:
        return path.is_file() or path.is_dir()
    except OSError:
        return False


def beside(file: Path, name: str | Path) -> Path | None:
    """The file or folder of that name, seen from where `file` lies; None where there is none, or no name is like that."""
    path = file.parent / name
    return path if is_there(path) else None
