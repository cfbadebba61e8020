"""New rows of a log, encoded as those of a prepared dataset were: nothing is fitted, no row is dropped, none changes its place."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from turret.data.load import label
from turret.data.numbering import Edges, Hashing
from turret.data.prepared import TRAIN, Part, Prepared
from turret.data.readers import Engine, File, FileTable, look_at
from turret.data.report import Report
from turret.data.schema import Field, Type, fields_of
from turret.data.spool import Spool
from turret.data.tables import Coded, Table
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
    train = prepared.parts[TRAIN]
    with tempfile.TemporaryDirectory() as folder:
        file = _look_at(Path(path), source, train)
        _refuse_without(file, train.features, prepared)
        fields, _ = fields_of("rows", file.header, file.source.columns, path=str(file.path))
        roles = _roles(file, fields, prepared)
        say(f"reading {file.path.name}")
        only = {*train.features, *train.labels, *roles.values()}
        table = FileTable(Engine(Path(folder), memory, threads), "rows", {"": [file.path]}, file.source, only)
        spool, missing, unseen = Spool(Path(folder) / "spool"), {}, {}
        features: dict[str, Column] = {}
        for name, known in train.features.items():
            say(f"encoding {name}")
            column, missing[name], unseen[name] = _encoded(table, name, known)
            features[name] = kept(column, spool.keep)
        sides: dict[str, IntArray] = {}
        for role, entities, seen in (("user", prepared.users, prepared.n_users), ("item", prepared.items, prepared.n_items)):
            if role in roles:
                sides[role], missing[role], unseen[role] = _ids(table, roles[role], entities.vocabulary)
                unseen[role] += int(np.count_nonzero(sides[role] >= seen))  # those of later parts, whose features are known
            else:
                sides[role] = np.zeros(len(table), dtype=np.int32)
        time = table.numbers(roles["time"]) if "time" in roles else None
        labels = _labels(table, train, report)
        table.release()
        n_users, n_items = len(prepared.users.vocabulary), len(prepared.items.vocabulary)
        first = labels.get(next(iter(train.labels), ""))
        interactions = Interactions(sides["user"], sides["item"], n_users, n_items, time=time, label=first)
        yield NewRows(Part(interactions, features, labels), missing, unseen, report)


def _look_at(path: Path, source: Source, train: Part) -> File:
    """The file, its columns of the types that their features have; without a header, with or without the labels."""
    types: dict[str, Type] = {name: _type_of(column) for name, column in train.features.items()}
    columns = {name: Said(type=types[name], role="feature") if name in types else said for name, said in source.columns.items()}
    if not source.header and format_of(path, source) in ("csv", "tsv"):
        unlabelled = {name: said for name, said in columns.items() if said.role != "label" and name not in train.labels}
        line = next(iter(text.head(path, 1).values()))
        kind = format_of(path, source)
        if len(text.cells(line, source.delimiter or ("," if kind == "csv" else "\t"), quoted=kind == "csv")) == len(unlabelled):
            columns = unlabelled
    else:
        columns |= {name: Said(type=kind, role="feature") for name, kind in types.items()}
    return look_at(path, source.model_copy(update={"columns": columns}))


def _type_of(column: Column) -> Type:
    if isinstance(column, Tokens):
        return "float" if isinstance(column.vocabulary, Edges) else "token"
    return "float" if isinstance(column, Numbers) else "token_seq" if isinstance(column, TokenSets) else "float_seq"


def _roles(file: File, fields: Sequence[Field], prepared: Prepared) -> dict[str, str]:
    """The columns that are the users, the items and the times, where the dataset has them; times may be absent."""
    named = {field.role: field.name for field in fields}
    found = {"user": named.get("user") or named.get("session"), "item": named.get("item"), "time": named.get("time")}
    for role, known in (("user", prepared.n_users), ("item", prepared.n_items)):
        if not known:
            del found[role]
        elif found[role] is None:
            raise InputError(f"no {role} column among {', '.join(file.header)}", path=file.path, line=1)
    return {role: name for role, name in found.items() if name is not None}


def _refuse_without(file: File, names: Iterable[str], prepared: Prepared) -> None:
    for name in names:
        if name not in file.header:
            near = difflib.get_close_matches(name, file.header, 1)
            hint = f"did you mean {near[0]}?" if near else f"the columns are {', '.join(file.header)}"
            raise InputError(f"no column {name}, which {prepared.name} has", path=file.path, line=1, hint=hint)


def _encoded(table: Table, name: str, known: Column) -> tuple[Column, int, int]:
    """A column by what was fitted for `known`; in how many rows it is missing, and how many of its values are unknown."""
    field = next(field for field in table.fields if field.name == name)
    if isinstance(known, Numbers) or (isinstance(known, Tokens) and isinstance(known.vocabulary, Edges)):
        values = read_numbers(table, field)
        missing = int(np.count_nonzero(np.isnan(values)))
        if isinstance(known, Numbers):
            return Numbers(values, known.scale), missing, 0
        assert isinstance(known.vocabulary, Edges)
        return Tokens(known.vocabulary.encode(values), known.vocabulary), missing, 0
    if isinstance(known, Tokens):
        coded = table.tokens(name)
        ids, missing, unseen = _looked_up(coded, known.vocabulary)
        return Tokens(ids, known.vocabulary), missing, unseen
    lists = table.lists(name)
    missing = int(np.count_nonzero(np.diff(lists.offsets) == 0))
    if isinstance(known, TokenSets):
        assert isinstance(lists.values, Coded)
        ids, _, unseen = _looked_up(lists.values, known.vocabulary)
        return TokenSets(lists.offsets, ids, known.vocabulary), missing, unseen
    assert not isinstance(lists.values, Coded)
    return NumberSets(lists.offsets, lists.values.astype(np.float32), known.scales), missing, 0


def _looked_up(coded: Coded, vocabulary: Vocabulary | Hashing | Edges) -> tuple[IntArray, int, int]:
    """int32 [n] ids, and how many are missing and unknown."""
    assert not isinstance(vocabulary, Edges)
    ids = numbered(coded.codes, vocabulary.encode(coded.vocabulary))
    missing = int(np.count_nonzero(coded.codes < 0))
    return ids, missing, int(np.count_nonzero(ids == 0)) - missing


def _ids(table: Table, name: str, vocabulary: Vocabulary) -> tuple[IntArray, int, int]:
    """int32 [n] the ids of users or items, -1 where they are unknown or missing, and how many of each."""
    ids, missing, unseen = _looked_up(table.tokens(name), vocabulary)
    return ids - 1, missing, unseen


def _labels(table: Table, train: Part, report: Report) -> dict[str, FloatArray]:
    """The labels of tasks that every row has."""
    labels = {}
    for name in train.labels:
        field = next((field for field in table.fields if field.name == name and field.role == "label"), None)
        if field is None:
            continue
        if lacking := int(np.count_nonzero(np.isnan(table.numbers(name)))):
            report.add("labels", f"{name} is missing in {lacking:,} rows, and left out")
        else:
            labels[name] = label(table, field, report)
    return labels
