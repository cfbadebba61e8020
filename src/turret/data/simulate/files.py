"""Writes a simulated world as atomic files, with a note of what it was made from: the truth can be drawn again from that note."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from turret.core.errors import InputError
from turret.core.interactions import IntArray
from turret.data.simulate import advertising, log, tables
from turret.data.simulate.draw import draw
from turret.data.simulate.settings import Advertising, Simulation
from turret.data.simulate.truth import Truth

FORMAT: Final = 1
"""Changes whenever the same settings and seed would give other bytes."""
LogKind = Literal["ratings", "clicks", "criteo"]
NOTE = "simulation.json"
LONGEST_NOTE = 1 << 16
"""Bytes."""
RATINGS_HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
CLICKS_HEADER = "user_id:token\titem_id:token\tlabel:float\ttimestamp:float\tposition:token"
LINES_AT_ONCE = 50_000


class Note(BaseModel):
    """What a simulated dataset was made from, in its `simulation.json`.

    Attributes:
        log: what people rated, what they were shown and clicked, or what was advertised to nobody in particular, in Criteo's shape.
        ceiling: the best `auc` and `logloss` that any model can expect on all rows of a criteo log; None for logs whose `truth` says so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    log: LogKind
    seed: int = Field(ge=0)
    settings: Simulation | Advertising
    ceiling: dict[Literal["auc", "logloss"], float] | None = None

    @model_validator(mode="after")
    def _of_a_kind(self) -> Note:
        if (self.log == "criteo") != isinstance(self.settings, Advertising):
            raise ValueError(f"these are no settings of {self.log}")
        return self

    @property
    def rows(self) -> int:
        """Of all tables together, at least: what the truth takes in memory grows with them."""
        if isinstance(self.settings, Advertising):
            return self.settings.rows
        return self.settings.users + self.settings.items + self.settings.interactions

    def truth(self) -> Truth:
        """The world that a log of people and items came from."""
        assert isinstance(self.settings, Simulation), f"there are no people in a log of {self.log}"
        return draw(self.settings, self.seed)


def simulate(
    directory: str | Path, simulation: Simulation | None = None, seed: int = 0, progress: Callable[[int], None] | None = None
) -> Path:
    """Writes a log of choices and ratings, with features and graphs, as atomic files named after the directory.

    Args:
        directory: becomes the dataset; its last part is the dataset's name. It must not exist, or hold this very simulation.
        simulation: size and character.
        seed: the same settings and seed give the same bytes.
        progress: is told the number of rows of each block written.

    Returns:
        The directory. It appears at once, complete, or not at all.

    Raises:
        InputError: something else is there.
    """
    return publish(directory, Note(log="ratings", seed=seed, settings=simulation or Simulation()), progress)


def simulate_clicks(
    directory: str | Path, simulation: Simulation | None = None, seed: int = 0, progress: Callable[[int], None] | None = None
) -> Path:
    """The same people and items as `simulate` gives them for these settings and seed, with a log of impressions: `label` 1 was clicked."""
    return publish(directory, Note(log="clicks", seed=seed, settings=simulation or Simulation()), progress)


def note_of(directory: str | Path) -> Note | None:
    """What the dataset in `directory` was simulated from; None where it is real.

    Raises:
        InputError: the note is not one that this version can read.
    """
    path = Path(directory) / NOTE
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            note = Note.model_validate_json(file.read(LONGEST_NOTE))
    except ValidationError as error:
        raise InputError(f"not a simulation that this version knows: {error.errors()[0]['msg']}", path=path) from None
    if note.rows > sum(file.stat().st_size for file in path.parent.iterdir() if file.is_file()):
        raise InputError(f"the note speaks of {note.rows:,} rows, and the files beside it cannot hold as many", path=path)
    return note


def publish(directory: str | Path, note: Note, progress: Callable[[int], None] | None = None) -> Path:
    """Writes the dataset of `note`, which has no ceiling yet, into a new directory; otherwise as `simulate`."""
    directory = Path(directory).absolute()
    if directory.exists():
        if _holds(directory, note):
            return directory
        raise InputError("there is something else already", path=directory, hint="Name a directory that does not exist yet.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with new_beside(directory) as draft:
        write(draft, directory.name, note, progress)
        try:
            draft.rename(directory)
        except OSError:
            # another process may have finished the same simulation first
            if not directory.is_dir() or not _holds(directory, note):
                raise
    return directory


@contextmanager
def new_beside(directory: Path) -> Iterator[Path]:
    """A folder in which `directory` is made, to be renamed to it once it is complete; what has not been renamed in the end is removed.

    It is new, and nobody can guess its name: in a folder that others write to, nothing waits there for what is written. Who may read it
    follows from the user's umask.
    """
    draft = directory.with_name(f".{directory.name}.{secrets.token_hex(8)}")
    draft.mkdir()
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _holds(directory: Path, note: Note) -> bool:
    found = note_of(directory)
    return found is not None and found.model_copy(update={"ceiling": None}) == note


def write(draft: Path, name: str, note: Note, progress: Callable[[int], None] | None = None) -> None:
    """Writes the files of `note` into an existing folder, named `name`."""
    if isinstance(note.settings, Advertising):
        ceiling = advertising.write(draft / f"{name}.inter.tsv", note.settings, note.seed, progress)
        note = note.model_copy(update={"ceiling": ceiling})
    else:
        _write_world(draft, name, note.truth(), note.log == "ratings", progress)
    text = json.dumps(note.model_dump(mode="json", exclude_none=True), indent=2)
    (draft / NOTE).write_text(text + "\n", encoding="utf-8")


def _write_world(draft: Path, name: str, truth: Truth, rated: bool, progress: Callable[[int], None] | None) -> None:
    rows = log.ratings(truth) if rated else log.impressions(truth)
    _write_rows(draft / f"{name}.inter", RATINGS_HEADER if rated else CLICKS_HEADER, (_columns(block) for block in rows), progress)
    for suffix, lines in (("user", tables.users), ("item", tables.items), ("link", tables.links), ("kg", tables.triples)):
        _write_lines(draft / f"{name}.{suffix}", lines(truth))
    _write_rows(draft / f"{name}.net", "source_id:token\ttarget_id:token", [tables.friendships(truth)], None)


def _columns(block: log.Block) -> IntArray:
    columns = [block.users + 1, block.items + 1, block.outcomes, block.times]
    return np.stack(columns if block.positions is None else [*columns, block.positions], axis=1)


def _write_rows(path: Path, header: str, blocks: Iterable[IntArray], progress: Callable[[int], None] | None) -> None:
    from turret.kernels.simulation import rows_as_text

    with path.open("wb") as file:
        file.write(header.encode() + b"\n")
        for block in blocks:
            file.write(rows_as_text(block).data)
            if progress is not None:
                progress(len(block))


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        while chunk := list(islice(lines, LINES_AT_ONCE)):
            file.write("\n".join(chunk) + "\n")
