"""A prepared dataset as a folder: arrays in .npy files, to be mapped into memory, and a manifest in JSON that says what each of them is.

Nothing in it runs code when it is read.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError
from turret.core.interactions import Interactions
from turret.data.columns import Column, Numbers, NumberSets, Tokens, TokenSets
from turret.data.numbering import Edges, Hashing
from turret.data.prepared import Entities, Part, Prepared, Social, Triples
from turret.data.report import Report
from turret.data.scale import Scale
from turret.data.spool import Spool, mapped, save
from turret.data.vocabulary import Vocabulary

FORMAT = 2
MANIFEST = "manifest.json"
_COLUMNS = ("user", "item", "time", "rating", "weight")

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
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")
    # All at the end: the system then writes them together.
    for path in (*folder.iterdir(), folder):
        sync(path)


def sync(path: Path) -> None:
    """Makes what was written to a file, or the entries of a folder, last."""
    if path.is_dir() and sys.platform == "win32":  # Where folders cannot be opened.
        return
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_manifest(folder: Path) -> Json:
    """The manifest of a prepared dataset: format, name, hash, settings, inputs, statistics, report, and what each array is.

    Raises:
        InputError: there is none, or it is of another format.
    """
    path = folder / MANIFEST
    try:
        manifest: Json = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("not a prepared dataset: it has no manifest", path=folder) from None
    except (ValueError, OSError) as error:
        raise InputError(f"cannot be read: {error}", path=path, hint="delete the folder; it will be made again") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError(f"is not of format {FORMAT}", path=path, hint="it comes from another version of Turret; prepare the dataset again")
    return manifest


def open_prepared(folder: str | Path) -> Prepared:
    """Opens a prepared dataset: its arrays are mapped, and read when they are used.

    Raises:
        InputError: the folder holds none, or a damaged one.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    reader = _Reader(folder)
    try:
        return Prepared(
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
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"the prepared dataset is damaged: {error}", path=folder, hint="delete the folder; it will be made again"
        ) from None


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
            **{name: self.array(f"triples.{name}", getattr(triples, name)) for name in ("head", "relation", "tail", "entity_of_item")},
            "entities": self.vocabulary("triples.entities", triples.entities),
            "relations": self.vocabulary("triples.relations", triples.relations),
        }

    def social(self, social: Social) -> Json:
        names = [name for name in ("source", "target", "weight") if getattr(social, name) is not None]
        return {name: self.array(f"social.{name}", getattr(social, name)) for name in names}


class _Reader:
    """Makes of the manifest what the writer was given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._vocabularies: dict[str, Vocabulary] = {}

    def array(self, file_name: str) -> npt.NDArray[Any]:
        return mapped(self._folder / file_name)

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
        arrays = {name: self.array(entry[name]) for name in ("head", "relation", "tail", "entity_of_item")}
        return Triples(**arrays, entities=self.vocabulary(entry["entities"]), relations=self.vocabulary(entry["relations"]))

    def social(self, entry: Json) -> Social:
        return Social(**{name: self.array(file_name) for name, file_name in entry.items()})
