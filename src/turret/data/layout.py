"""Which files make up a dataset, and which table each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError

from turret.core.errors import InputError
from turret.data import bounded_yaml, small_file
from turret.data.config import Source, TableName

Format = Literal["atomic", "csv", "tsv", "parquet", "json"]

PARTS: tuple[TableName, ...] = ("train", "fold_in", "valid", "test")
SIDE_TABLES: tuple[TableName, ...] = ("user", "item", "kg", "link", "net")
_COMPRESSED = (".gz", ".zst")
_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "tsv",
    ".parquet": "parquet",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
}


@dataclass(frozen=True)
class Layout:
    """The files of a dataset.

    Attributes:
        name: of the dataset.
        tables: the files of each table; the log is "inter", or its published parts, or there in both forms.
        source: how to read them.
    """

    name: str
    tables: Mapping[TableName, tuple[Path, ...]]
    source: Source

    @property
    def files(self) -> list[Path]:
        """All of them."""
        return [path for paths in self.tables.values() for path in paths]


def find(place: Path, said: Source) -> Layout:
    """The layout of a dataset.

    Args:
        place: a log, or a folder of tables. `NAME.inter`, `NAME.train.inter`, `NAME.item` and so on name their table (`.csv` or `.gz`
            may follow); a file without such a suffix is the log if it is the only one. A `dataset.yaml` or `NAME.yaml` beside the files may
            hold the fields of `Source`.
        said: the settings; they outweigh those of the YAML file.

    Raises:
        InputError: there is no log, or more than one file could be it.
    """
    if not small_file.is_there(place):
        raise InputError("no such file or folder", path=place)
    folder = place if place.is_dir() else place.parent
    name = _stem(place)
    source = _with_yaml(folder, name, said)
    named = {table: _matching(folder, pattern) for table, pattern in source.files.items()}
    for table in named.keys() - said.files.keys():  # A description beside the log came with it; what was said is the user's.
        _refuse_elsewhere(folder, named[table])
    if place.is_file():
        tables: dict[TableName, tuple[Path, ...]] = {"inter": (place,), **named}
    elif source.files:
        tables = named
    else:
        tables = _by_suffix(folder, name)
    if "train" not in tables and (parts := [part for part in PARTS if part in tables]):
        raise InputError(f"a published {parts[0]} part without a train part", path=tables[parts[0]][0])
    if "inter" not in tables and "train" not in tables:
        raise InputError("no table of interactions", path=place, hint="name it NAME.inter, or say which file it is: --files inter=FILE")
    return Layout(name, tables, source)


def format_of(path: Path, source: Source) -> Format:
    """How a file is written."""
    if source.format != "auto":
        return source.format
    return _FORMATS.get(_uncompressed(path).suffix.lower(), "atomic")


def _uncompressed(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() in _COMPRESSED else path


def _words(path: Path) -> list[str]:
    """The parts of a file's name without those that say how it is written."""
    plain = _uncompressed(path)
    return (plain.with_suffix("") if plain.suffix.lower() in _FORMATS else plain).name.split(".")


def _stem(place: Path) -> str:
    if place.is_dir():
        return place.resolve().name
    words = _words(place)
    return ".".join(words[:-1]) if len(words) > 1 and words[-1] in get_args(TableName) else ".".join(words)


def _table_of(path: Path) -> TableName | None:
    words = _words(path)
    if len(words) > 2 and words[-1] == "inter" and words[-2] in PARTS:
        return PARTS[PARTS.index(words[-2])]
    last = words[-1]
    known: tuple[TableName, ...] = ("inter", *SIDE_TABLES)
    return next((table for table in known if len(words) > 1 and last == table), None)


def _by_suffix(folder: Path, name: str) -> dict[TableName, tuple[Path, ...]]:
    tables: dict[TableName, tuple[Path, ...]] = {}
    others: list[Path] = []
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        table = _table_of(path)
        if table is None:
            if _uncompressed(path).suffix.lower() in _FORMATS and not path.name.lower().startswith("readme"):
                others.append(path)
            continue
        if table in tables:
            one = _choose(name, tables[table][0], path)
            if one is None:
                raise InputError(
                    f"two files for the {table} table: {tables[table][0].name} and {path.name}",
                    path=folder,
                    hint=f"say which: --files {table}=FILE",
                )
            tables[table] = (one,)
        else:
            tables[table] = (path,)
    if "inter" not in tables and "train" not in tables:
        if len(others) > 1:
            names = ", ".join(path.name for path in others)
            raise InputError(
                f"which of these is the log? {names}", path=folder, hint="say so: --files inter=FILE, or --files train=FILE,test=FILE"
            )
        if others:
            tables["inter"] = (others[0],)
    return tables


def _choose(name: str, one: Path, other: Path) -> Path | None:
    """Of two files for one table, the one that is named like the folder."""
    named = [path for path in (one, other) if _words(path)[0] == name]
    return named[0] if len(named) == 1 else None


def _refuse_elsewhere(folder: Path, paths: tuple[Path, ...]) -> None:
    for path in paths:
        if not path.resolve().is_relative_to(folder.resolve()):
            hint = "A dataset.yaml names files of its own folder; --files may name any."
            raise InputError("lies outside the folder of the log that names it", path=path, hint=hint)


def _matching(folder: Path, pattern: str) -> tuple[Path, ...]:
    exact = folder / pattern
    try:
        paths = [exact] if exact.is_file() else sorted(path for path in folder.glob(pattern) if path.is_file())
    except (OSError, ValueError, NotImplementedError):  # a name that is too long; a pattern that is none
        paths = []
    if not paths:
        raise InputError("no such file", path=exact)
    return tuple(paths)


def _with_yaml(folder: Path, name: str, said: Source) -> Source:
    path = next((path for stem in ("dataset", name) for path in (folder / f"{stem}.yaml", folder / f"{stem}.yml") if path.is_file()), None)
    if path is None:
        return said
    node = bounded_yaml.compose(path)
    if node is None:
        return said
    written = bounded_yaml.value(node, path)
    if not isinstance(written, dict):
        raise InputError("should hold names and values", path=path)
    explicit: dict[str, Any] = {field: getattr(said, field) for field in said.model_fields_set}
    for field in ("columns", "files"):
        if isinstance(written.get(field), dict) and field in explicit:
            explicit[field] = {**written[field], **explicit[field]}
    try:
        return Source.model_validate({**written, **explicit})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        problem = "is not known here" if first["type"] == "extra_forbidden" else _one_line(first["msg"])
        known = ", ".join(Source.model_fields)
        raise InputError(f"{key}: {problem}", path=path, hint=f"A file of this name describes the log beside it: {known}.") from None


def _one_line(text: str) -> str:
    return " ".join(text.split())
