"""A prepared dataset as a folder: arrays in .npy files, to be mapped into memory, and a manifest in JSON that says what each
of them is, its length and its checksum.

Nothing in it runs code when it is read. When the folder is opened, the files are held against their checksums, and the arrays against each
other (`Prepared.check`); what was found whole is noted in verified.json, so that files whose size and times are those of then are not read
through again.
"""

from __future__ import annotations

import tokenize
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError
from turret.core.files import beside, check, entry, read_json, read_sealed, sync, write_sealed
from turret.core.interactions import Interactions
from turret.data import fingerprint
from turret.data.beside import Social, Triples
from turret.data.columns import Column, Numbers, NumberSets, Tokens, TokenSets
from turret.data.numbering import Edges, Hashing
from turret.data.prepared import Entities, Part, Prepared
from turret.data.report import Report
from turret.data.scale import Scale
from turret.data.spool import Spool, mapped, save
from turret.data.vocabulary import Vocabulary

FORMAT = 4
MANIFEST, VERIFIED = "manifest.json", "verified.json"
ANEW = "Delete the folder; it will be made again."
DAMAGED = (
    *(OSError, EOFError, ValueError, OverflowError, KeyError, TypeError, AttributeError, AssertionError),
    *(SyntaxError, RecursionError, tokenize.TokenError),
)
"""What a manifest and arrays that are not what they should be come to; the last three from headers of arrays, which NumPy parses."""
_COLUMNS = ("user", "item", "time", "rating", "weight")
_TRIPLES = ("head", "relation", "tail")

Json = dict[str, Any]


def write(
    prepared: Prepared,
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    spool: Spool | None = None,
) -> None:
    """Writes a prepared dataset into a folder, which is made; when this returns, it is on the disk.

    Args:
        prepared: what to write.
        folder: where.
        settings: what it was made with, for the manifest.
        inputs: what it was made of, for the manifest.
        spool: what holds some of its arrays on the disk already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writer = _Writer(folder, spool)
    manifest = {
        "format": FORMAT,
        "name": prepared.name,
        "hash": prepared.hash,
        "n_users": prepared.n_users,
        "n_items": prepared.n_items,
        "time_ordered": prepared.time_ordered,
        "statistics": dict(prepared.statistics),
        "report": prepared.report.to_json(),
        "settings": dict(settings or {}),
        "inputs": dict(inputs or {}),
        "users": writer.entities("users", prepared.users),
        "items": writer.entities("items", prepared.items),
        "parts": {name: writer.part(name, part) for name, part in prepared.parts.items()},
        "triples": None if prepared.triples is None else writer.triples(prepared.triples),
        "social": None if prepared.social is None else writer.social(prepared.social),
    }
    # All at the end: the system then writes them together.
    for path in folder.iterdir():
        sync(path)
    files = {path.name: entry(path) for path in sorted(folder.iterdir())}
    write_sealed(folder / MANIFEST, {**manifest, "files": files})


def read_manifest(folder: Path) -> Json:
    """The manifest of a prepared dataset: format, name, hash, settings, inputs, statistics, report, what each array is, and its file.

    Raises:
        InputError: there is none, it was altered, or it is of another format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError("not a prepared dataset: it has no manifest", path=folder)
    manifest = read_json(path, ANEW)
    if manifest.get("format") != FORMAT:
        hint = "It comes from another version of Turret; prepare the dataset again."
        raise InputError(f"has format {manifest.get('format')!r}, and format {FORMAT} is read here", path=path, hint=hint)
    return read_sealed(path, ANEW)


def open_prepared(folder: str | Path) -> Prepared:
    """Opens a prepared dataset: its arrays are mapped, and read when they are used.

    Raises:
        InputError: the folder holds none, or a file of it is missing, cut off or altered.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    try:
        known = fingerprint.all_known((folder / name for name in manifest["files"] if (folder / name).exists()), folder / VERIFIED)
        reader = _Reader(verified(folder, manifest))
        prepared = Prepared(
            name=manifest["name"],
            n_users=manifest["n_users"],
            n_items=manifest["n_items"],
            users=reader.entities(manifest["users"]),
            items=reader.entities(manifest["items"]),
            parts={name: reader.part(part) for name, part in manifest["parts"].items()},
            time_ordered=manifest["time_ordered"],
            triples=None if manifest["triples"] is None else reader.triples(manifest["triples"]),
            social=None if manifest["social"] is None else reader.social(manifest["social"]),
            hash=manifest["hash"],
            statistics=manifest["statistics"],
            report=Report.from_json(manifest["report"]),
        )
        if not known:
            prepared.check()
        return prepared
    except DAMAGED as error:
        with suppress(OSError):
            (folder / VERIFIED).unlink(missing_ok=True)  # so that it is not taken for whole the next time
        raise InputError(f"the prepared dataset is damaged: {error}", path=folder, hint=ANEW) from None


def verified(folder: Path, manifest: Json, anew: bool = False) -> dict[str, Path]:
    """The files of a prepared dataset by name, each as it was written.

    Args:
        folder: of the dataset.
        manifest: its manifest.
        anew: reads every file through, also those that were found whole before.

    Raises:
        InputError: a file is missing, cut off or altered; names it.
    """
    paths = {name: beside(folder, name, ANEW) for name in manifest["files"]}
    if anew:
        (folder / VERIFIED).unlink(missing_ok=True)
    digests = fingerprint.of_files(paths, folder / VERIFIED)
    for name, path in paths.items():
        check(path, manifest["files"][name], ANEW, digests[name])
    return paths


class _Writer:
    """Writes arrays and gives back what the manifest says of them."""

    def __init__(self, folder: Path, spool: Spool | None) -> None:
        self._folder, self._spool = folder, spool
        self._vocabularies: dict[int, Json] = {}

    def array(self, name: str, values: npt.NDArray[Any]) -> str:
        file_name = f"{quote(name, safe='')}.npy"
        if self._spool is None or not self._spool.move(values, self._folder / file_name):
            save(values, self._folder / file_name)
        return file_name

    def values_of_ids(self, name: str, vocabulary: Vocabulary | Hashing | Edges) -> Json:
        if isinstance(vocabulary, Hashing):
            return {"hash_size": vocabulary.size}
        if isinstance(vocabulary, Edges):
            return {"boundaries": vocabulary.boundaries.tolist()}
        return self.vocabulary(f"{name}.vocabulary", vocabulary)

    def vocabulary(self, name: str, vocabulary: Vocabulary) -> Json:
        # Columns of one feature in several parts share one vocabulary, and its file.
        known = self._vocabularies.get(id(vocabulary))
        if known is None:
            known = {
                "data": self.array(f"{name}.tokens", vocabulary.data),
                "offsets": self.array(f"{name}.offsets", vocabulary.offsets),
                "order": self.array(f"{name}.order", vocabulary.order),
            }
            self._vocabularies[id(vocabulary)] = known
        return known

    def column(self, name: str, column: Column) -> Json:
        if isinstance(column, Tokens):
            return {
                "kind": "tokens",
                "ids": self.array(name, column.ids),
                "vocabulary": self.values_of_ids(name, column.vocabulary),
            }
        if isinstance(column, Numbers):
            return {"kind": "numbers", "values": self.array(name, column.values), "scale": asdict(column.scale)}
        offsets = self.array(f"{name}.rows", column.offsets)
        if isinstance(column, TokenSets):
            vocabulary = self.values_of_ids(name, column.vocabulary)
            return {"kind": "token sets", "offsets": offsets, "ids": self.array(name, column.ids), "vocabulary": vocabulary}
        scales = [asdict(scale) for scale in column.scales]
        return {"kind": "number sets", "offsets": offsets, "values": self.array(name, column.values), "scales": scales}

    def columns(self, name: str, columns: Mapping[str, Column]) -> Json:
        return {label: self.column(f"{name}.{label}", column) for label, column in columns.items()}

    def part(self, name: str, part: Part) -> Json:
        table = part.interactions
        columns = {column: values for column in _COLUMNS if (values := getattr(table, column)) is not None}
        return {
            "n_users": table.n_users,
            "n_items": table.n_items,
            "columns": {column: self.array(f"{name}.{column}", values) for column, values in columns.items()},
            "labels": {label: self.array(f"{name}.labels.{label}", values) for label, values in part.labels.items()},
            "features": self.columns(f"{name}.features", part.features),
        }

    def entities(self, name: str, entities: Entities) -> Json:
        return {
            "vocabulary": self.vocabulary(name, entities.vocabulary),
            "features": self.columns(f"{name}.features", entities.features),
            "raw": {label: self.vocabulary(f"{name}.raw.{label}", texts) for label, texts in entities.raw.items()},
        }

    def triples(self, triples: Triples) -> Json:
        return {
            **{name: self.array(f"triples.{name}", getattr(triples, name)) for name in _TRIPLES},
            "n_items": triples.n_items,
            "others": self.vocabulary("triples.others", triples.others),
            "relations": self.vocabulary("triples.relations", triples.relations),
            "inverse": triples.inverse,
        }

    def social(self, social: Social) -> Json:
        names = [name for name in ("source", "target", "weight") if getattr(social, name) is not None]
        return {name: self.array(f"social.{name}", getattr(social, name)) for name in names}


class _Reader:
    """Makes of the manifest what the writer was given."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._vocabularies: dict[str, Vocabulary] = {}

    def array(self, file_name: str) -> npt.NDArray[Any]:
        return mapped(self._files[file_name])

    def values_of_ids(self, entry: Json) -> Vocabulary | Hashing | Edges:
        if "hash_size" in entry:
            return Hashing(entry["hash_size"])
        if "boundaries" in entry:
            return Edges(np.array(entry["boundaries"], dtype=np.float32))
        return self.vocabulary(entry)

    def vocabulary(self, entry: Json) -> Vocabulary:
        known = self._vocabularies.get(entry["data"])
        if known is None:
            known = Vocabulary(self.array(entry["data"]), self.array(entry["offsets"]), self.array(entry["order"]))
            self._vocabularies[entry["data"]] = known
        return known

    def column(self, entry: Json) -> Column:
        kind = entry["kind"]
        if kind == "tokens":
            return Tokens(self.array(entry["ids"]), self.values_of_ids(entry["vocabulary"]))
        if kind == "numbers":
            return Numbers(self.array(entry["values"]), Scale(**entry["scale"]))
        if kind == "token sets":
            vocabulary = self.values_of_ids(entry["vocabulary"])
            assert not isinstance(vocabulary, Edges)
            return TokenSets(self.array(entry["offsets"]), self.array(entry["ids"]), vocabulary)
        scales = tuple(Scale(**scale) for scale in entry["scales"])
        return NumberSets(self.array(entry["offsets"]), self.array(entry["values"]), scales)

    def columns(self, entries: Json) -> dict[str, Column]:
        return {label: self.column(entry) for label, entry in entries.items()}

    def part(self, entry: Json) -> Part:
        columns = {name: self.array(file_name) for name, file_name in entry["columns"].items()}
        labels = {label: self.array(file_name) for label, file_name in entry["labels"].items()}
        interactions = Interactions(**columns, n_users=entry["n_users"], n_items=entry["n_items"], label=next(iter(labels.values()), None))
        return Part(interactions, self.columns(entry["features"]), labels)

    def entities(self, entry: Json) -> Entities:
        raw = {label: self.vocabulary(texts) for label, texts in entry["raw"].items()}
        return Entities(self.vocabulary(entry["vocabulary"]), self.columns(entry["features"]), raw)

    def triples(self, entry: Json) -> Triples:
        head, relation, tail = (self.array(entry[name]) for name in _TRIPLES)
        others, relations = (self.vocabulary(entry[name]) for name in ("others", "relations"))
        return Triples(head, relation, tail, entry["n_items"], others, relations, entry["inverse"])

    def social(self, entry: Json) -> Social:
        return Social(**{name: self.array(file_name) for name, file_name in entry.items()})
