"""From a prepared dataset to the typed schema of its impressions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.lib.format import open_memmap

from turret.batches.features import Encoder
from turret.core.errors import InputError
from turret.core.features import Categorical, Schema, Tags, Vectors
from turret.core.interactions import FloatArray, IntArray
from turret.data.columns import Column, Tokens, TokenSets
from turret.data.config import Feature
from turret.data.features import ITEM, USER
from turret.data.numbering import Edges, Hashing
from turret.data.prepared import TRAIN, Part, Prepared
from turret.data.vocabulary import Vocabulary

T = TypeVar("T")
PLAIN = Feature()


def schema_of(prepared: Prepared) -> Schema:
    """What the impressions of a dataset consist of: ids and features of users, of items, and the log's own columns, in this order.

    Raises:
        InputError: a file of pretrained vectors is not what it should be.
    """
    users, items = Encoder.of(prepared.users.features), Encoder.of(prepared.items.features)
    context = Encoder.of(prepared.parts[TRAIN].features)
    of_user = ids_of(USER, prepared.n_users) | qualified(USER, users.tokens)
    of_item = ids_of(ITEM, prepared.n_items) | qualified(ITEM, items.tokens)
    tags = qualified(USER, users.sets) | qualified(ITEM, items.sets) | dict(context.sets)
    told = prepared.n_users and prepared.n_items and prepared.interactions(TRAIN).time is not None
    return Schema(
        categorical=tuple(_categorical(name, size, prepared) for name, size in (of_user | of_item | dict(context.tokens)).items()),
        tags=tuple(_tags(name, size, prepared) for name, size in tags.items()),
        numbers=(*qualified(USER, users.numbers), *qualified(ITEM, items.numbers), *context.numbers),
        behaviour=tuple(of_item) if told else (),
        context=(*context.tokens, *context.sets, *context.numbers),
        tasks=tuple(labels_of(prepared.parts[TRAIN])) or ("label",),
    )


def labels_of(part: Part) -> Mapping[str, FloatArray]:
    """float32 [n] the labels of each task, by name; empty where the log has none."""
    label = part.interactions.label
    return part.labels or ({} if label is None else {"label": label})


def columns_of(prepared: Prepared, part: str) -> dict[str, tuple[Column, IntArray | None]]:
    """The columns behind the features, by name, and for those of users and items the rows of a part as places in them."""
    log = prepared.interactions(part)
    sides = ((USER, prepared.users, log.user), (ITEM, prepared.items, log.item))
    found: dict[str, tuple[Column, IntArray | None]] = {}
    for side, entities, ids in sides:
        found.update({name: (column, ids) for name, column in qualified(side, entities.features).items()})
    return found | {name: (column, None) for name, column in prepared.parts[part].features.items()}


def names_of(prepared: Prepared, feature: str) -> Vocabulary | Edges | None:
    """What the ids 1, 2, ... of a categorical feature, or of tags, stand for, in order; None where they have no names, as hashes have none.

    Of users and items it also holds, at the end, those that only later parts have.
    """
    if feature in (USER, ITEM):
        return (prepared.users if feature == USER else prepared.items).vocabulary
    column, _ = columns_of(prepared, TRAIN).get(feature, (None, None))
    if isinstance(column, (Tokens, TokenSets)) and not isinstance(column.vocabulary, Hashing):
        return column.vocabulary
    return None


def qualified(side: str, columns: Mapping[str, T]) -> dict[str, T]:
    """Columns of the table of users or items by the names of their features."""
    return {f"{side}.{name}": value for name, value in columns.items()}


def ids_of(side: str, n: int) -> dict[str, int]:
    """The feature of the ids themselves, where the log has them, and how many there are with the 0."""
    return {side: n + 1} if n else {}


def _categorical(name: str, size: int, prepared: Prepared) -> Categorical:
    return Categorical(name, size, _vectors(name, size, prepared.features.get(name, PLAIN)))


def _tags(name: str, size: int, prepared: Prepared) -> Tags:
    said = prepared.features.get(name, PLAIN)
    return Tags(name, size, _vectors(name, size, said), said.pooling, said.target, said.length)


def _vectors(name: str, size: int, said: Feature) -> Vectors:
    if said.shared_with is not None:
        return Vectors(shared_with=said.shared_with)
    if said.pretrained is None:
        return Vectors(said.width_of(size))
    values = _read(Path(said.pretrained), name, size)
    return Vectors(values.shape[1], None, values)


def _read(path: Path, name: str, size: int) -> FloatArray:
    """float32 [size, D] from a .npy file, mapped into memory."""
    try:
        if not path.is_file():  # opening a pipe would wait for somebody to write to it
            raise ValueError("there is no such file")
        values = open_memmap(path, mode="r")
    except (OSError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise InputError(f"the pretrained vectors of {name} cannot be read: {error}", path=path) from None
    if values.ndim != 2 or len(values) != size or values.dtype.kind != "f":
        found = f"{values.dtype} of shape {list(values.shape)}"
        raise InputError(
            f"the pretrained vectors of {name} should be floats [{size}, width], and they are {found}",
            path=path,
            hint=f"Row r is of id r, and row 0 of unknown values; `turret features describe DATASET --feature {name}` lists the ids.",
        )
    return np.asarray(values, dtype=np.float32)
