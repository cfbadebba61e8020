"""What training sees of a prepared dataset, as plain values that can be compared bit by bit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from turret.batches.features import Features
from turret.batches.impressions import ImpressionBatches
from turret.batches.pairs import Pairs
from turret.batches.pairs_with_history import PairsWithHistory
from turret.batches.ratings import Ratings
from turret.batches.schema import schema_of
from turret.batches.sessions import SessionParallel
from turret.batches.sides import side_of
from turret.batches.users import Users
from turret.batches.windows import Windows
from turret.core.context import Reads
from turret.core.contracts import Batches
from turret.core.seeds import torch_generator
from turret.data.columns import Numbers, NumberSets, Tokens, TokenSets
from turret.data.features import ITEM, USER
from turret.data.fit import part_of
from turret.data.numbering import Edges, Hashing
from turret.data.prepared import TRAIN, Prepared
from turret.data.vocabulary import Vocabulary

Plain = dict[str, Any]
OF_CHOICES: dict[str, Callable[[Prepared], Batches]] = {
    "pairs": lambda prepared: Pairs(prepared.train, 4),
    "pairs with history": lambda prepared: PairsWithHistory(prepared.train, 3, 4),
    "users": lambda prepared: Users(prepared.train, 3),
    "windows, the latest": lambda prepared: Windows(prepared.train, 3, 2),
    "windows, all": lambda prepared: Windows(prepared.train, 3, 2, stride=2),
}
"""Batches of `Positives`, which say which rows of the training part their right items are."""
OF_IMPRESSIONS: dict[str, Callable[[Prepared], ImpressionBatches]] = {
    "impressions": lambda prepared: ImpressionBatches(prepared, 4),
    "impressions with behaviours": lambda prepared: ImpressionBatches(prepared, 4, reads=Reads(history=3)),
    "impressions, some of the zeros": lambda prepared: ImpressionBatches(prepared, 4, negative_share=0.5),
}
OTHERS: dict[str, Callable[[Prepared], Batches]] = {
    "ratings": lambda prepared: Ratings(prepared.train, 4),
    "sessions": lambda prepared: SessionParallel(prepared.train, 2, steps=2),
}
BATCHES: dict[str, Callable[[Prepared], Batches]] = {**OF_CHOICES, **OF_IMPRESSIONS, **OTHERS}
"""Every kind of batches that a model is trained on."""


def can_make(kind: str, prepared: Prepared) -> bool:
    """Whether a log is one that these batches are for."""
    if kind == "ratings":
        return prepared.train.rating is not None
    return kind != "sessions" or bool(np.any(prepared.train.by_user.lengths > 1))


def epoch(kind: str, prepared: Prepared) -> list[Any]:
    """An epoch of some batches, always with the same seed."""
    return list(BATCHES[kind](prepared).epoch(torch_generator(1, "leaks")))


def seen_by_training(prepared: Prepared) -> Plain:
    """All that was fitted, and the training part."""
    part = prepared.parts[TRAIN]
    seen: Plain = {"n_users": prepared.n_users, "n_items": prepared.n_items, "schema": schema_of(prepared)}
    seen |= {f"rows.{name}": value for name, value in plain(part.interactions)}
    seen |= {f"labels.{name}": values for name, values in part.labels.items()}
    for name, column in part.features.items():
        seen |= {f"{name}.{field}": value for field, value in plain(column)}
    for side, entities, n in ((USER, prepared.users, prepared.n_users), (ITEM, prepared.items, prepared.n_items)):
        seen[f"{side}.names"] = list(entities.vocabulary)[:n]
        for name, column in entities.features.items():
            seen |= {f"{side}.{name}.{field}": value for field, value in plain(part_of(column, 0, n))}
        if entities.features:
            seen |= {f"{side}.tower.{name}": value for name, value in plain(side_of(prepared, side))}  # type: ignore[arg-type]
    return seen


def plain(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The arrays and plain values that something consists of, by name."""
    if isinstance(value, Vocabulary):
        yield name, list(value)
    elif isinstance(value, torch.Tensor):
        yield name, value.numpy()
    elif isinstance(value, (Tokens, Numbers, TokenSets, NumberSets, Edges, Hashing, Features)) or dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):  # type: ignore[arg-type]
            yield from plain(getattr(value, field.name), f"{name}.{field.name}".strip("."))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from plain(each, f"{name}.{key}")
    elif isinstance(value, (tuple, list)):
        for number, each in enumerate(value):
            yield from plain(each, f"{name}.{number}")
    else:
        yield name, value


def differing(first: Plain, second: Plain) -> list[str]:
    """The names of what is not the same to the bit."""
    names = list(dict.fromkeys([*first, *second]))
    return [name for name in names if name not in first or name not in second or not _same(first[name], second[name])]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    return bool(one == other)
