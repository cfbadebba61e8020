"""Features that a person chooses by name."""

from __future__ import annotations

from collections.abc import Iterable

from turret.core.errors import InputError
from turret.core.features import Schema


def chosen(schema: Schema, names: Iterable[str]) -> list[int]:
    """The columns of `Impressions.tokens` that the categorical features of these names have.

    Raises:
        InputError: there is no categorical feature of a name; says which there are.
    """
    known = [feature.name for feature in schema.categorical]
    places = []
    for name in names:
        if name not in known:
            raise InputError(f"the dataset has no categorical feature named {name!r}", hint=f"It has: {', '.join(known) or 'none'}.")
        places.append(known.index(name))
    return places
