"""An index as a folder: a manifest in JSON, and files that it names with their size and checksum.

    index.json             what the index is, and for each of its parts the file, its bytes and its BLAKE2 checksum
    vectors-<digest>.npy   the parts; the name has the beginning of the checksum

The manifest is written last, in one step, and only then do the files go that it does not name: a crash leaves the index that was there
before. Nothing is pickled, and nothing in these files is run. The checksums tell what was damaged, not what somebody forged: whoever can
write to the folder can write checksums too.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError
from turret.index.metric import Metric
from turret.training.run_directory import write_atomically

MANIFEST = "index.json"
FORMAT = 1
AGAIN = "Build the index again."
Writer = Callable[[Path], None]
"""Writes one part to a file."""


@dataclass(frozen=True)
class Folder:
    """An index that was written, every part of it checked.

    Attributes:
        path: of the folder.
        about: what the manifest says of the index.
        parts: the file of each part, by the part's name.
    """

    path: Path
    about: Mapping[str, Any]
    parts: Mapping[str, Path]

    @property
    def metric(self) -> Metric:
        """Of the index."""
        metric: Metric = self.about["metric"]
        return metric

    @property
    def items(self) -> int:
        """I."""
        return int(self.about["items"])

    @property
    def width(self) -> int:
        """D."""
        return int(self.about["width"])

    def array(self, name: str) -> npt.NDArray[Any]:
        """The array of a part, mapped into memory: what is written to it stays in memory."""
        # An empty file cannot be mapped.
        mapped: npt.NDArray[Any] = np.load(self.parts[name], mmap_mode="c" if self.items else None, allow_pickle=False)
        return np.asarray(mapped)


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
        InputError: it cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        kept = {name: _keep(path, name, writer) for name, writer in parts.items()}
        content = {"format": FORMAT, **about, "files": kept}
        text = json.dumps({**content, "checksum": _of_content(content)}, indent=2) + "\n"
        write_atomically(path / MANIFEST, lambda place: place.write_text(text, encoding="utf-8"))
        named = {MANIFEST, *(entry["file"] for entry in kept.values())}
        stems = tuple(f"{Path(name).stem}-" for name in parts)
        for file in path.iterdir():
            if file.name not in named and file.name.startswith(stems):
                file.unlink()
    except OSError as error:
        raise InputError(f"the index cannot be written: {error.strerror}", path=path) from None


def read(path: Path, kind: str | None = None) -> Folder:
    """The index in a folder.

    Args:
        path: of the folder.
        kind: that it must be of; None takes any.

    Raises:
        InputError: there is none, it is of another kind or format, or a file is missing, shortened or altered; names the file.
    """
    file = path / MANIFEST
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        checksum = content.pop("checksum")
    except FileNotFoundError:
        raise InputError("here is no index", path=path, hint="`turret index RUN` builds that of a run.") from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        raise InputError("this is no manifest of an index", path=file, hint=AGAIN) from None
    if content.get("format") != FORMAT:
        raise InputError(f"the index has format {content.get('format')!r}, and format {FORMAT} is read here", path=file, hint=AGAIN)
    if checksum != _of_content(content):
        raise InputError("the manifest was altered", path=file, hint=AGAIN)
    if kind is not None and content["kind"] != kind:
        raise InputError(f"this index is {content['kind']}, not {kind}", path=path)
    parts = {}
    for name, entry in content["files"].items():
        part = path / Path(entry["file"]).name
        if not part.is_file():
            raise InputError("the file is missing", path=part, hint=AGAIN)
        if part.stat().st_size != entry["bytes"]:
            raise InputError(f"has {part.stat().st_size} bytes, not the {entry['bytes']} that were written", path=part, hint=AGAIN)
        if _of_file(part) != entry["blake2b"]:
            raise InputError("the file was altered after it was written", path=part, hint=AGAIN)
        parts[name] = part
    return Folder(path, content, parts)


def _keep(folder: Path, name: str, writer: Writer) -> dict[str, Any]:
    """Writes one part under a name that tells its content."""
    temporary = folder / f".{name}.{os.getpid()}"
    try:
        writer(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        digest = _of_file(temporary)
        named = f"{Path(name).stem}-{digest[:16]}{Path(name).suffix}"
        entry = {"file": named, "bytes": temporary.stat().st_size, "blake2b": digest}
        temporary.replace(folder / named)
    finally:
        temporary.unlink(missing_ok=True)
    return entry


def _of_file(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def _of_content(content: Mapping[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=32).hexdigest()
