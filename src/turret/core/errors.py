"""Errors that are written for people.

Every error that a user can cause is a `TurretError`: its message says what is wrong, where, and what to do. The command line prints the
message without a traceback and leaves with `exit_code`.
"""

from __future__ import annotations

from pathlib import Path


class TurretError(Exception):
    """Something that the user can put right. `exit_code` is what the command leaves with."""

    exit_code = 1


class InputError(TurretError):
    """Bad input: a file, a column, a value, an option.

    Args:
        message: what is wrong.
        path: the file at fault.
        line: its line, counted from 1, the header included.
        column: the name (or, without one, the number from 1) of the column.
        hint: what to do about it.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        column: str | int | None = None,
        hint: str | None = None,
    ) -> None:
        self.message, self.path, self.line, self.column, self.hint = message, path, line, column, hint
        place = [str(path)] if path is not None else []
        if line is not None:
            place.append(f"line {line}")
        if column is not None:
            place.append(f"column {column}")
        text = f"{', '.join(place)}: {message}" if place else message
        super().__init__(f"{text}\n  {hint}" if hint else text)


class UnsupportedError(TurretError):
    """A model was asked for something that it cannot do by its nature, such as to recommend to a user it never saw."""

    exit_code = 2
