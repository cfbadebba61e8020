"""Which settings each feature has: its own before those said of all, and none that has no meaning for it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Literal

from turret.core.errors import InputError
from turret.data.columns import Column, Numbers, Tokens, TokenSets
from turret.data.config import Feature
from turret.data.numbering import Edges
from turret.data.prepared import TRAIN, Prepared
from turret.data.schema import Type

Kind = Type | Literal["id"]
"""What a feature is: values of a type, or the users or items themselves."""

ALL = "*"
USER, ITEM = "user", "item"

_NUMBERED = {"min_count", "hash_size", "shared_with"}
_VECTORS = {"width", "pretrained"}
_POOLED = {"pooling", "target", "length"}
_APPLIES: dict[Kind, set[str]] = {
    "id": _VECTORS,
    "token": _NUMBERED | _VECTORS,
    "token_seq": _NUMBERED | _VECTORS | _POOLED,
    "float": {"buckets", "scale"},
    "float_seq": {"scale"},
}
_CALLED: dict[Kind, str] = {
    "id": "the ids of users and items, which cleaning decides on",
    "token": "categories",
    "token_seq": "several categories a row",
    "float": "numbers",
    "float_seq": "several numbers a row",
}


def settle(asked: Mapping[str, Feature], kinds: Mapping[str, Kind]) -> dict[str, Feature]:
    """The settings of every feature.

    Args:
        asked: what the settings say, by name; `"*"` stands for every feature that does not say it itself.
        kinds: all features.

    Raises:
        InputError: a setting names a feature that there is not, or means nothing for the feature it is said of.
    """
    for name in asked:
        if name != ALL:
            _known(name, kinds, "the settings speak of")
    settled = {name: _merged(name, kind, asked.get(name, Feature()), asked.get(ALL, Feature())) for name, kind in kinds.items()}
    for name, feature in settled.items():
        if feature.target is not None:
            _known(feature.target, kinds, f"the target of {name} is")
            if kinds[feature.target] not in ("id", "token") and settled[feature.target].buckets is None:
                raise InputError(f"the target of {name}, {feature.target}, has {_CALLED[kinds[feature.target]]} and not one category a row")
        if feature.shared_with is not None:
            _check_sharing(name, feature.shared_with, settled, kinds)
    return settled


def kinds_of(prepared: Prepared) -> dict[str, Kind]:
    """What the features of a prepared dataset are, by name."""
    kinds: dict[str, Kind] = {}
    for side, known, entities in ((USER, prepared.n_users, prepared.users), (ITEM, prepared.n_items, prepared.items)):
        if known:
            kinds[side] = "id"
        kinds |= {f"{side}.{name}": _kind(column) for name, column in entities.features.items()}
    return kinds | {name: _kind(column) for name, column in prepared.parts[TRAIN].features.items()}


def _kind(column: Column) -> Kind:
    if isinstance(column, Tokens):
        return "float" if isinstance(column.vocabulary, Edges) else "token"
    return "float" if isinstance(column, Numbers) else "token_seq" if isinstance(column, TokenSets) else "float_seq"


def _merged(name: str, kind: Kind, own: Feature, common: Feature) -> Feature:
    said = {field: getattr(own, field) for field in own.model_fields_set}
    everyone = {field: getattr(common, field) for field in common.model_fields_set - own.model_fields_set}
    applies = _APPLIES[kind]
    if {**everyone, **said}.get("buckets") is not None and kind == "float":
        applies = {"buckets"} | _VECTORS
    for field in said:
        if field not in applies:
            means = [words for other, words in _CALLED.items() if field in _APPLIES[other] and other != "id"]
            which = "numbers in buckets" if applies == {"buckets"} | _VECTORS else _CALLED[kind]
            raise InputError(f"{name}.{field} means nothing: {name} has {which}, and {field} is for {', or for '.join(means)}")
    if said.get("shared_with") is not None:
        applies = applies - (_NUMBERED | _VECTORS)
    return Feature(**{field: value for field, value in everyone.items() if field in applies}, **said)


def _check_sharing(name: str, owner: str, settled: Mapping[str, Feature], kinds: Mapping[str, Kind]) -> None:
    _known(owner, kinds, f"{name} should share its ids with")
    if kinds[owner] not in ("id", "token", "token_seq"):
        raise InputError(f"{name} cannot share its ids with {owner}, which has {_CALLED[kinds[owner]]}")
    if owner == name or settled[owner].shared_with is not None:
        hint = None if owner == name else f"share with {settled[owner].shared_with} instead"
        raise InputError(f"{name} cannot share its ids with {owner}, which has none of its own", hint=hint)


def _known(name: str, kinds: Iterable[str], words: str) -> None:
    names = list(kinds)
    if name not in names:
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"the features are {', '.join(names)}"
        raise InputError(f"{words} a feature '{name}' that there is not", hint=hint)
