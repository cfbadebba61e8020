"""Which impressions belong together by the value of a categorical feature."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from turret.batches.schema import names_of
from turret.core.errors import InputError
from turret.core.features import Categorical, Schema
from turret.core.interactions import FloatArray, IntArray
from turret.data.prepared import Prepared

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
    stand_for = names_of(prepared, feature.name)
    if stand_for is None:
        return str(value)
    token = stand_for.token(value - 1)
    return repr(token) if token in (OTHER, UNKNOWN) else token
