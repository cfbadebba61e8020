"""Writes atomic files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from turret.core.errors import InputError

Row = Callable[..., None]
"""Writes a row, a cell an argument."""


class Tables:
    """The atomic files of one dataset.

    Args:
        folder: where they go.
        name: what they are named after.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name

    @contextmanager
    def table(self, suffix: str, header: str) -> Iterator[Row]:
        """A table `NAME.suffix` with the given header, columns separated by spaces; what is yielded writes its rows.

        Raises:
            InputError: no row was written.
        """
        width, count = len(header.split()), 0
        with (self.folder / f"{self.name}.{suffix}").open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
            file.write("\t".join(header.split()) + "\n")

            def row(*cells: object) -> None:
                nonlocal count
                assert len(cells) == width, f"{len(cells)} cells under a header of {width}"
                count += 1
                file.write("\t".join(map(_cell, cells)) + "\n")

            yield row
        if not count:
            raise InputError(f"the original files hold no rows for {self.name}.{suffix}")


def sequence(values: list[str]) -> str:
    """Values as the cell of a token_seq: spaces part them, so none is left inside."""
    return " ".join("_".join(value.split()) for value in values if value.strip())


def _cell(value: object) -> str:
    text = str(value)
    return text if text.isalnum() else " ".join(text.split())
