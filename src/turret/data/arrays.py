"""A prepared dataset from arrays in memory, by the same way as from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from turret.core.errors import InputError
from turret.core.files import checksum
from turret.core.interactions import FloatArray
from turret.data import fingerprint
from turret.data.assemble import assemble
from turret.data.coding import frequent
from turret.data.config import DataConfig, Split
from turret.data.prepared import FOLD_IN, TEST, TRAIN, VALID, Prepared
from turret.data.report import Report
from turret.data.schema import ROLES, ROLES_OF_TABLE, TYPE_OF_ROLE, Field, Role, Type
from turret.data.tables import Coded, Lists, Table
from turret.data.vocabulary import Vocabulary

Columns = Mapping[str, Any]
"""Columns by name: arrays or lists of one length. A name that is a role ("user", "item", "time", "rating", "title", ...) has it; any other
is a feature. Ids are integers or strings."""


def from_arrays(
    user: Any = None,
    item: Any = None,
    *,
    time: Any = None,
    rating: Any = None,
    label: Any = None,
    weight: Any = None,
    features: Columns | None = None,
    users: Columns | None = None,
    items: Columns | None = None,
    config: DataConfig | None = None,
    name: str = "arrays",
) -> Prepared:
    """Prepares a log that is in memory.

    Args:
        user, item: ids [n], integers or strings; of a log with labels, either may be absent.
        time, rating, label, weight: numbers [n]; of several tasks, `label` is a mapping of their names to numbers.
        features: more columns [n] of the log.
        users, items: columns of users and items; one of them is "user" or "item".
        config: how to clean and split; None takes the defaults.
        name: of the dataset.

    Raises:
        InputError: as for files, with the row at fault, counted from 0.
    """
    labels = label if isinstance(label, Mapping) else {"label": label}
    given = {"user": user, "item": item, "time": time, "rating": rating, **labels, "weight": weight}
    log = {**{role: values for role, values in given.items() if values is not None}, **(features or {})}
    return _prepared(name, ArrayTable("inter", {"": log}, tuple(labels)), users, items, config or DataConfig())


def from_parts(
    train: Columns,
    valid: Columns | None = None,
    test: Columns | None = None,
    *,
    fold_in: Columns | None = None,
    users: Columns | None = None,
    items: Columns | None = None,
    labels: Sequence[str] = ("label",),
    config: DataConfig | None = None,
    name: str = "arrays",
) -> Prepared:
    """Prepares a log that is in memory and split already.

    Args:
        train, valid, test: columns of each part, among them "user" and "item"; all parts have the same.
        fold_in: what is known of users whom the training part lacks.
        users, items: columns of users and items.
        labels: which columns are labels.
        config: how to clean; None keeps every row and takes no validation rows from train.
        name: of the dataset.
    """
    parts = {label: columns for label, columns in ((TRAIN, train), (FOLD_IN, fold_in), (VALID, valid), (TEST, test)) if columns is not None}
    config = config or DataConfig(split=Split(split_mode="published", published_valid_ratio=0))
    return _prepared(name, ArrayTable("inter", parts, labels), users, items, config)


def _prepared(name: str, log: ArrayTable, users: Columns | None, items: Columns | None, config: DataConfig) -> Prepared:
    tables: dict[str, Table] = {"inter": log}
    tables |= {role: ArrayTable(role, {"": columns}) for role, columns in (("user", users), ("item", items)) if columns is not None}
    prepared = assemble(name, tables, config, Report(), lambda _: None)
    own = [table.fingerprint() for table in tables.values() if isinstance(table, ArrayTable)]
    return replace(prepared, hash=checksum({"name": name, "arrays": own, "settings": config.key()}))


class ArrayTable:
    """A table of arrays; see `tables.Table`.

    Args:
        table: which it is: "inter", "user" or "item".
        parts: its columns by part of a split, or all under "".
        labels: the columns that are labels.
    """

    def __init__(self, table: str, parts: Mapping[str, Columns], labels: Sequence[str] = ()) -> None:
        columns = [dict(part) for part in parts.values()]
        names = list(columns[0])
        lengths = [_one_length(part) for part in columns]
        if other := next((set(part) ^ set(names) for part in columns if set(part) != set(names)), None):
            raise InputError(f"the parts should have the same columns, and {', '.join(sorted(other))} is not in all of them")
        self._columns = {
            name: [value for part in columns for value in part[name]] if _is_ragged(columns[0][name]) else _joined(columns, name)
            for name in names
        }
        self.parts: Mapping[str, int] = {part: length for part, length in zip(parts, lengths, strict=True) if part}
        self.left_out: Sequence[str] = ()
        self.fields: Sequence[Field] = [
            Field(name, "float", "label") if name in labels else _field(table, name, values) for name, values in self._columns.items()
        ]
        self._n = sum(lengths)
        needed = (table,) if table != "inter" else () if any(field.role == "label" for field in self.fields) else ("user", "item")
        for role in needed:
            if role not in names:
                raise InputError(f"no {role} column among {', '.join(names)}")

    def __len__(self) -> int:
        return self._n

    def tokens(self, name: str, at_least: int = 1) -> Coded:
        return frequent(_coded(self._columns[name]), at_least)

    def numbers(self, name: str) -> FloatArray:
        try:
            return np.asarray(self._columns[name], dtype=np.float64)
        except (TypeError, ValueError):
            return self.refuse("holds something that is not a number", column=name)

    def lists(self, name: str) -> Lists:
        rows = self._columns[name]
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        flat = np.asarray([value for row in rows for value in row])
        numeric = any(field.name == name and field.type == "float_seq" for field in self.fields)
        return Lists(offsets, flat.astype(np.float64) if numeric else _coded(flat))

    def texts(self, name: str) -> list[str]:
        return ["" if value is None else str(value) for value in self._columns[name]]

    def release(self) -> None:
        pass

    def refuse(self, message: str, *, row: int | None = None, column: str | None = None, hint: str | None = None) -> NoReturn:
        raise InputError(message if row is None else f"{message} in row {row}", column=column, hint=hint)

    def fingerprint(self) -> dict[str, Any]:
        """What the table holds, as a hash a column."""
        hashes = {}
        for field in self.fields:
            if field.type == "float":
                hashes[field.name] = [fingerprint.of_array(self.numbers(field.name))]
            elif field.role == "title":
                hashes[field.name] = [checksum(self.texts(field.name))]
            else:
                lists = self.lists(field.name) if field.type != "token" else None
                values = self.tokens(field.name) if lists is None else lists.values
                arrays = [values.codes, values.vocabulary.data, values.vocabulary.offsets] if isinstance(values, Coded) else [values]
                hashes[field.name] = [fingerprint.of_array(array) for array in ([] if lists is None else [lists.offsets]) + arrays]
        return {"parts": dict(self.parts), "columns": hashes}


def _one_length(columns: Columns) -> int:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"the columns differ in length: {', '.join(f'{name} {length}' for name, length in lengths.items())}")
    return next(iter(lengths.values()), 0)


def _is_ragged(values: Any) -> bool:
    return len(values) > 0 and isinstance(values[0], (list, tuple, np.ndarray))


def _joined(columns: Sequence[Columns], name: str) -> npt.NDArray[Any]:
    arrays = [np.asarray(part[name]) for part in columns]
    # Joining numbers and strings would turn the numbers into strings of their own kind.
    kinds = {array.dtype.kind for array in arrays if len(array)}
    return np.concatenate([array.astype(object) for array in arrays] if len(kinds) > 1 else arrays)


def _field(table: str, name: str, values: Any) -> Field:
    role: Role = "feature"
    if name in ROLES_OF_TABLE[table]:
        role = ROLES[ROLES.index(name)]
    kind: Type = "token"
    if _is_ragged(values):
        kind = "float_seq" if np.asarray(values[0]).dtype.kind == "f" else "token_seq"
    elif np.asarray(values).dtype.kind == "f":
        kind = "float"
    return Field(name, TYPE_OF_ROLE.get(role, kind), role)


def _coded(values: Any) -> Coded:
    array = np.asarray(values)
    if array.dtype.kind == "f":
        missing = np.isnan(array)
        array = np.where(missing, 0, array).astype(np.int64) if np.all(np.mod(array[~missing], 1) == 0) else array.astype(object)
    elif array.dtype.kind == "O":
        missing = np.array([value is None or value != value or value == "" for value in array], dtype=bool)
        array = np.array([str(value) for value in array], dtype=str)
    else:
        missing = array == "" if array.dtype.kind == "U" else np.zeros(len(array), dtype=bool)
    distinct, inverse = np.unique(array[~missing], return_inverse=True)
    tokens = [str(value) for value in distinct.tolist()]
    order = sorted(range(len(tokens)), key=lambda index: (len(tokens[index].encode()), tokens[index].encode()))
    code_of = np.empty(len(tokens), dtype=np.int32)
    code_of[order] = np.arange(len(tokens), dtype=np.int32)
    codes = np.full(len(array), -1, dtype=np.int32)
    codes[~missing] = code_of[inverse]
    return Coded(codes, Vocabulary.of(tokens[index] for index in order))
