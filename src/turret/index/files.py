"""An index as a folder: a manifest in JSON, and files that it names with their size and checksum.

    index.json             what the index is, and for each of its parts the file, its bytes and its checksum
    vectors-<digest>.npy   the parts; the name has the beginning of the checksum

The manifest is written last, in one step, and only then do the files go that it does not name: a crash leaves the index that was there
before. Nothing is pickled, and nothing in these files is run.
"""

from __future__ import annotations

import tokenize
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, ValidationError

from turret.core.errors import InputError
from turret.core.files import beside, check, entry, read_json, read_sealed, unwritable, write_sealed, written
from turret.index.metric import Metric

MANIFEST = "index.json"
FORMAT = 2
AGAIN = "Build the index again."
Writer = Callable[[Path], None]
"""Writes one part to a file."""


class File(BaseModel):
    """A part, as the manifest says it: its file, bytes and SHA-256."""

    file: str
    bytes: int
    sha256: str


class Manifest(BaseModel):
    """What index.json says.

    Attributes:
        kind, metric, items, width: of the index.
        files: of each part.
        probes, longest: of an approximate one.
    """

    kind: str
    metric: Metric
    items: int = Field(ge=0)
    width: int = Field(ge=1)
    files: dict[str, File]
    probes: int = Field(default=1, ge=1)
    longest: float = Field(default=0.0, ge=0)


@dataclass(frozen=True)
class Folder:
    """An index that was written, every part of it checked.

    Attributes:
        path: of the folder.
        about: what the manifest says of the index.
        parts: the file of each part, by the part's name.
    """

    path: Path
    about: Manifest
    parts: Mapping[str, Path]

    def array(self, name: str) -> npt.NDArray[Any]:
        """The array of a part, mapped into memory: what is written to it stays in memory.

        Raises:
            InputError: there is none.
        """
        try:
            # An empty file cannot be mapped.
            mapped: npt.NDArray[Any] = np.load(self.part(name), mmap_mode="c" if self.about.items else None, allow_pickle=False)
            return np.asarray(mapped)
        except (OSError, EOFError, ValueError, SyntaxError, RecursionError, tokenize.TokenError) as error:
            raise InputError(f"this is no array: {error}", path=self.parts[name], hint=AGAIN) from None

    def part(self, name: str) -> Path:
        """The file of a part.

        Raises:
            InputError: the manifest names none.
        """
        if name not in self.parts:
            raise InputError(f"the manifest names no part {name}", path=self.path / MANIFEST, hint=AGAIN)
        return self.parts[name]


def array(values: npt.NDArray[Any]) -> Writer:
    """Writes an array as .npy."""

    def write(path: Path) -> None:
        with path.open("wb") as file:  # np.save would give a path without .npy another name
            np.save(file, values, allow_pickle=False)

    return write


def write(path: Path, about: Mapping[str, Any], parts: Mapping[str, Writer]) -> None:
    """Writes an index into a folder, which is made if need be.

    Args:
        path: of the folder.
        about: kind, metric, items, width, and whatever else the kind of index needs; ready for JSON.
        parts: what writes each part, by the part's name.

    Raises:
        TurretError: it cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        kept = {name: _keep(path, name, writer) for name, writer in parts.items()}
        write_sealed(path / MANIFEST, {"format": FORMAT, **about, "files": kept})
        named = {MANIFEST, *(part["file"] for part in kept.values())}
        stems = tuple(f"{Path(name).stem}-" for name in parts)
        for file in path.iterdir():
            if file.name not in named and file.name.startswith(stems):
                file.unlink()
    except OSError as error:
        raise unwritable(path, error) from None


def read(path: Path, kind: str | None = None) -> Folder:
    """The index in a folder.

    Args:
        path: of the folder.
        kind: that it must be of; None takes any.

    Raises:
        InputError: there is none, it is of another kind or format, or a file is missing, shortened or altered; names the file.
    """
    file = path / MANIFEST
    if not file.exists():
        raise InputError("here is no index", path=path, hint="`turret index RUN` builds that of a run.")
    found = read_json(file, AGAIN).get("format")
    if found != FORMAT:
        raise InputError(f"the index has format {found!r}, and format {FORMAT} is read here", path=file, hint=AGAIN)
    try:
        content = Manifest.model_validate(read_sealed(file, AGAIN))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", path=file, hint=AGAIN) from None
    if kind is not None and content.kind != kind:
        raise InputError(f"this index is {content.kind}, not {kind}", path=path)
    parts = {}
    for name, said in content.files.items():
        parts[name] = beside(path, said.file, AGAIN)
        check(parts[name], said.model_dump(), AGAIN)
    return Folder(path, content, parts)


def _keep(folder: Path, name: str, writer: Writer) -> dict[str, Any]:
    """Writes one part under a name that tells its content."""
    with written(folder / name, writer) as temporary:
        said = entry(temporary)
        named = f"{Path(name).stem}-{said['sha256'][:16]}{Path(name).suffix}"
        temporary.replace(folder / named)
    return {"file": named, **said}
