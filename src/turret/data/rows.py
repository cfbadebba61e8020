"""New rows of a log, encoded as those of a prepared dataset were: nothing is fitted, no row is dropped, none changes its place."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from turret.core.errors import InputError
from turret.core.interactions import FloatArray, IntArray, Interactions
from turret.data import text
from turret.data.columns import Column, Numbers, NumberSets, Tokens, TokenSets, kept
from turret.data.config import Column as Said
from turret.data.config import Source
from turret.data.divide import Say
from turret.data.fit import numbered, read_numbers
from turret.data.layout import format_of
from turret.data.load import label, user_of
from turret.data.numbering import Edges
from turret.data.prepared import TRAIN, Part, Prepared
from turret.data.readers import Engine, FileTable, File, look_at
from turret.data.report import Report
from turret.data.schema import Field, Type, fields_of
from turret.data.spool import Spool
from turret.data.tables import Coded, field_of
from turret.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class NewRows:
    """Rows that are new to a prepared dataset.

    Attributes:
        part: the rows in the order of the file. A user or item that the dataset does not know has the id -1. Labels are those of the
            dataset's that the file has.
        missing: by feature, in how many rows it has no value.
        unseen: by categorical feature, how many values training did not see often enough.
        report: what else is to be said of them.
    """

    part: Part
    missing: Mapping[str, int]
    unseen: Mapping[str, int]
    report: Report


@contextmanager
def read_rows(
    path: str | Path,
    prepared: Prepared,
    source: Source,
    progress: Say | None = None,
    *,
    memory: str = "800MB",
    threads: int | None = None,
) -> Iterator[NewRows]:
    """Reads a file of new rows. While the context lasts, its columns lie on the disk, mapped.

    Args:
        path: the file. It has the columns of the dataset's log, in any order if it has a header; others are not read, and labels may be
            absent.
        prepared: what encodes them.
        source: how the log was read.
        progress: is called with a few words before each step.
        memory, threads: as of `prepare`.

    Raises:
        InputError: a column is missing, or the file is not what it should be.
    """
    say, report = progress or (lambda _: None), Report()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        file, fields = _found(Path(path), prepared, source)
        say(f"reading {file.path.name}")
        table = FileTable(Engine(scratch, memory, threads), "rows", {"": [file.path]}, file.source, {field.name for field in fields})
        spool, missing, unseen = Spool(scratch / "spool"), {}, {}
        features: dict[str, Column] = {}
        for name, known in prepared.parts[TRAIN].features.items():
            say(f"encoding {name}")
            column, missing[name], unseen[name] = _encoded(table, field_named(table, name), known)
            features[name] = kept(column, spool.keep)
        sides = []
        for role, field, entities in (("user", user_of(table), prepared.users), ("item", field_of(table, "item"), prepared.items)):
            ids, missing[role], unseen[role] = _ids(table, field, entities.vocabulary)
            sides.append(ids)
        time = field_of(table, "time")
        labels = {field.name: label(table, field, report) for field in table.fields if field.role == "label"}
        interactions = Interactions(
            *sides,
            n_users=len(prepared.users.vocabulary),
            n_items=len(prepared.items.vocabulary),
            time=None if time is None else table.numbers(time.name),
            label=next(iter(labels.values()), None),
        )
        table.release()
        yield NewRows(Part(interactions, features, labels), missing, unseen, report)
