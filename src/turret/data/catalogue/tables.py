"""Writes atomic files, and plain ones where millions of rows are at hand in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy.typing as npt

from turret.core.errors import InputError

Row = Callable[..., None]
"""Writes a row, a cell an argument."""
NOTES = "README.txt"
"""What was noted when the files were made, beside them."""
BLOCK = 1 << 18
"""Rows of columns that are turned into text at once."""


class Tables:
    """The files of one dataset.

    Args:
        folder: where they go.
        name: what the atomic ones are named after.
        say: is told what is noted.
    """

    def __init__(self, folder: Path, name: str, say: Callable[[str], None] = lambda _: None) -> None:
        self.folder, self.name, self._say = folder, name, say

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
                file.write(_line(cells))

            yield row
        if not count:
            raise InputError(f"the original files hold no rows for {self.name}.{suffix}")

    def columns(self, file: str, header: str, *columns: npt.NDArray[Any]) -> None:
        """A tab separated file, its header without types.

        Args:
            file: its name.
            header: the names of the columns, separated by spaces.
            columns: [n] numbers, or text.

        Raises:
            InputError: there is no row.
        """
        n = len(columns[0])
        if not n:
            raise InputError(f"the original files hold no rows for {file}")
        with (self.folder / file).open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as written:
            written.write("\t".join(header.split()) + "\n")
            for start in range(0, n, BLOCK):
                blocks = [column[start : start + BLOCK] for column in columns]
                written.writelines(map(_line, zip(*(block.tolist() for block in blocks), strict=True)))

    def note(self, text: str) -> None:
        """Says what became of the rows, and keeps it beside the files."""
        self._say(text)
        with (self.folder / NOTES).open("a", encoding="utf-8") as file:
            file.write(text + "\n")


def sequence(values: list[str]) -> str:
    """Values as the cell of a token_seq: spaces part them, so none is left inside."""
    return " ".join("_".join(value.split()) for value in values if value.strip())


def _line(cells: Iterable[object]) -> str:
    """Tabs part cells and ends part lines, so inside a cell white space becomes one space, and around it none."""
    texts = [str(cell) for cell in cells]
    whole = "".join(texts) + "."
    if whole.split() != [whole]:
        texts = [" ".join(text.split()) for text in texts]
    return "\t".join(texts) + "\n"
