"""Which impressions belong together by the value of a categorical feature."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from turret.batches.schema import ITEM, USER
from turret.core.errors import InputError
from turret.core.features import Categorical, Schema
from turret.core.interactions import FloatArray, IntArray
from turret.data.columns import Tokens
from turret.data.numbering import Edges, Hashing
from turret.data.prepared import TRAIN, Prepared
from turret.data.vocabulary import Vocabulary

MOST = 20
"""Values of a feature that are reported one by one."""
OTHER, UNKNOWN = "other", "unknown"


def chosen(schema: Schema, names: Sequence[str]) -> list[Categorical]:
    """The features to slice by.

    Raises:
        InputError: there is no such categorical feature; says which are.
    """
    known = {feature.name: feature for feature in schema.categorical}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            suggestion = f"Did you mean {near[0]}? " if near else ""
            raise InputError(
                f"slices: there is no categorical feature {name!r}", hint=f"{suggestion}The categorical features are: {', '.join(known)}."
            )
    return [known[name] for name in dict.fromkeys(names)]


def groups_of(prepared: Prepared, feature: Categorical, rows: FloatArray) -> dict[str, IntArray]:
    """The values of a feature, by the names to report them under: the most frequent `MOST`, the most frequent first, then all `OTHER` ones,
    then `UNKNOWN`, which is id 0. A group without impressions is absent.

    Args:
        prepared: where the names are.
        feature: of the schema.
        rows: float64 [size] how many impressions each value has.
    """
    values = np.argsort(-rows[1:], kind="stable") + 1
    values = values[rows[values] > 0]
    named = {_name(prepared, feature, int(value)): np.array([value]) for value in values[:MOST]}
    rest = {OTHER: np.sort(values[MOST:]), UNKNOWN: np.flatnonzero(rows[:1])}
    return named | {name: group for name, group in rest.items() if len(group)}


def _name(prepared: Prepared, feature: Categorical, value: int) -> str:
    vocabulary = _vocabulary(prepared, feature.name)
    if vocabulary is None:
        return str(value)
    token = vocabulary.token(value - 1)
    return repr(token) if token in (OTHER, UNKNOWN) else token


def _vocabulary(prepared: Prepared, name: str) -> Vocabulary | Edges | None:
    """The tokens of ids 1, 2, ...; None where the ids have none, as after hashing."""
    sides = {USER: prepared.users, ITEM: prepared.items}
    if name in sides:
        return sides[name].vocabulary
    side, _, field = name.partition(".")
    column = sides[side].features.get(field) if field and side in sides else prepared.parts[TRAIN].features.get(name)
    return column.vocabulary if isinstance(column, Tokens) and not isinstance(column.vocabulary, Hashing) else None
