"""From the name of a dataset, or a path, to files that can be read."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from turret.core.errors import InputError
from turret.data.catalogue import (
    amazon,
    avazu,
    criteo,
    found,
    gowalla,
    kuairand,
    lastfm,
    movielens,
    sessions,
    simulated,
    taobao,
    tmall,
    yelp,
)
from turret.data.catalogue.download import download, verify
from turret.data.catalogue.entry import PLAIN, Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.places import MADE, ORIGINALS, places, workplace
from turret.data.catalogue.tables import Tables
from turret.data.config import DataConfig
from turret.data.simulate import new_beside, note_of

Say = Callable[[str], None]
LONGEST_SHOWN = 200
"""Characters of a name that is too long for the system."""
ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entries in (
        simulated.ENTRIES,
        movielens.ENTRIES,
        amazon.ENTRIES,
        gowalla.ENTRIES,
        yelp.ENTRIES,
        lastfm.ENTRIES,
        tmall.ENTRIES,
        criteo.ENTRIES,
        avazu.ENTRIES,
        taobao.ENTRIES,
        kuairand.ENTRIES,
        sessions.ENTRIES,
        found.ENTRIES,
    )
    for entry in entries
}


@dataclass(frozen=True, slots=True)
class Located:
    """A dataset that can be read.

    Attributes:
        name: of the dataset.
        path: a log, or a folder with one.
        defaults: settings that hold unless others are given. Only the fields that were set say something (`model_fields_set`).
    """

    name: str
    path: Path
    defaults: DataConfig = PLAIN


def datasets() -> list[Entry]:
    """All datasets that have a name."""
    return list(ENTRIES.values())


def describe(name: str) -> Entry:
    """What is known of a dataset.

    Raises:
        InputError: no dataset has that name; says which comes nearest.
    """
    if name not in ENTRIES:
        raise _unknown(name)
    return ENTRIES[name]


def _unknown(name: str) -> InputError:
    near = difflib.get_close_matches(name.lower().replace("_", "-"), ENTRIES, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return InputError(
        f"there is no dataset named {name!r}", hint=f"{hint}The datasets are: {', '.join(ENTRIES)}. The path of a log does as well."
    )


def present(name: str, data_dir: str | Path | None = None) -> Located | None:
    """A known dataset as it is now, without downloading or making anything; None where it is not there."""
    entry = describe(name)
    for place in places(data_dir):
        for folder in (place / name, place / MADE / name):
            if _holds_log(folder, entry):
                return Located(name, folder, _defaults(folder, entry))
    return None


def locate(dataset: str | Path, data_dir: str | Path | None = None, say: Say | None = None) -> Located:
    """A dataset by its name, made from its original files if need be, or by a path.

    A name is looked for in `data_dir`, in the folder that TURRET_DATA names and in the user's cache: first as a folder of atomic files,
    used in place; then as original files, converted; what is still missing is downloaded. A dataset of one's own in one of these folders
    is found by the name of its folder.

    Args:
        dataset: a name, or the path of a log or a folder. `./demo` is a path, `demo` a name.
        data_dir: a folder that holds dataset folders.
        say: is told what is being done; None writes it to standard error.

    Raises:
        InputError: there is no such dataset, or it cannot be had; says what to do.
    """
    name = str(dataset)
    if name in ENTRIES:
        return present(name, data_dir) or _made(ENTRIES[name], data_dir, say or _tell)
    path = Path(os.path.expanduser(name))  # noqa: PTH111 - it leaves ~nobody as it is
    inside = [place / name for place in places(data_dir)] if path.name == name else []  # ../x is a path and no name
    try:
        for candidate in (path, *inside):
            if candidate.is_file() or _holds_files(candidate) or (candidate == path and path.is_dir()):
                return _at(candidate)
    except OSError as error:  # as of a name that is too long
        raise InputError(f"cannot be looked for: {error.strerror}", path=name[:LONGEST_SHOWN]) from None
    if os.sep in name or path.suffix:
        raise InputError("there is no such file or folder", path=name)
    raise _unknown(name)


def fetch(name: str, data_dir: str | Path | None = None, say: Say | None = None) -> dict[str, Path]:
    """The original files of a dataset, by name, verified: those that lie in the data folders, and downloads of the others.

    A file may lie in `PLACE`, `PLACE/NAME` or `PLACE/originals` of any of the folders that `locate` looks into.

    Raises:
        InputError: one cannot be had; says where to put it.
    """
    return _fetched(describe(name), data_dir, say or _tell)


def _made(entry: Entry, data_dir: str | Path | None, say: Say) -> Located:
    if entry.recipe is None:
        raise InputError(
            f"{entry.name} is used where it is found, and it was not found",
            hint=f"Put a folder {entry.name} with its atomic files into {places(data_dir)[0]}",
        )
    originals = Originals(_fetched(entry, data_dir, say))
    target = workplace(data_dir) / MADE / entry.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with new_beside(target) as draft:
        say(f"making {entry.name} in {target}")
        entry.recipe(originals, Tables(draft, entry.name, say))
        try:
            draft.rename(target)
        except OSError:
            # another process may have made it meanwhile
            if not _holds_log(target, entry):
                raise
    return Located(entry.name, target, _defaults(target, entry))


def _fetched(entry: Entry, data_dir: str | Path | None, say: Say) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for original in entry.originals:
        path = _lying(entry, original, data_dir)
        if path is not None:
            verify(original, path, workplace(data_dir) / ORIGINALS / path.name, say)
        elif not original.needed:
            continue
        elif original.url is None:
            message = f"{original.file}, which {entry.name} is made from, has to be fetched by hand: {entry.by_hand}"
            raise InputError(f"{message} ({entry.page})", hint=f"Then put it here: {places(data_dir)[0] / entry.name / original.file}")
        else:
            path = download(original, workplace(data_dir) / ORIGINALS / original.file, say)
        paths[original.file] = path
    return paths


def _lying(entry: Entry, original: Original, data_dir: str | Path | None) -> Path | None:
    folders = (folder for place in places(data_dir) for folder in (place, place / entry.name, place / ORIGINALS))
    return next((folder / original.file for folder in folders if (folder / original.file).is_file()), None)


def _holds_log(folder: Path, entry: Entry) -> bool:
    files = entry.defaults.source.files
    return _holds_files(folder) or (bool(files) and all((folder / file).is_file() for file in files.values()))


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and any(True for _ in folder.glob("*.inter*"))


def _defaults(folder: Path, entry: Entry) -> DataConfig:
    """The entry's defaults; of a published split, which is to stay as it is, only how to read it."""
    published = any(True for _ in folder.glob("*.train.inter*"))
    return DataConfig(source=entry.defaults.source) if published else entry.defaults


def _at(path: Path) -> Located:
    note = note_of(path) if path.is_dir() else None
    name = path.resolve().name if path.is_dir() else path.name.split(".")[0]
    return Located(name, path, simulated.DEFAULTS[note.log] if note else PLAIN)


def _tell(text: str) -> None:
    print(text, file=sys.stderr)
