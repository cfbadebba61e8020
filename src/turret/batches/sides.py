"""What is known of the users alone, or of the items alone: what a tower reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch

from turret.batches.features import Encoder, Features
from turret.batches.schema import qualified, schema_of
from turret.core.errors import UnsupportedError
from turret.core.features import OWN, Categorical, Schema, Tags, Vectors
from turret.data.features import USER
from turret.data.prepared import Prepared


@dataclass(frozen=True)
class Side:
    """The users, or the items, that training saw.

    Attributes:
        schema: their features, the id first where it is one.
        features: the values, row = id.
    """

    schema: Schema
    features: Features


def side_of(prepared: Prepared, side: Literal["user", "item"], *, ids: bool = True) -> Side:
    """One side of a dataset; with `ids`, the id counts as a feature too (its token is id + 1, as in impressions).

    Raises:
        UnsupportedError: nothing is known of them.
    """
    entities, n = (prepared.users, prepared.n_users) if side == USER else (prepared.items, prepared.n_items)
    schema = _of(schema_of(prepared), side, ids)
    if not schema.fields:
        raise UnsupportedError(
            f"{prepared.name} says nothing of its {side}s that a tower could read\n"
            f"  A table of {side}s gives it features; a model with the option {side}_id can also read the id."
        )
    known = Encoder.of(entities.features).encode(entities.features, 0, n)
    own = [torch.arange(1, n + 1, dtype=torch.int32)[:, None]] if ids else []
    return Side(schema, Features(torch.cat([*own, known.tokens], dim=1), known.floats, qualified(side, known.sets)))


def _of(schema: Schema, side: str, ids: bool) -> Schema:
    """The features of one side. Vectors that one would share with a feature that is not among them are its own there, and a set that
    would be weighed by such a one is averaged."""

    def there(name: str | None) -> bool:
        return name is not None and name not in schema.context and (name.startswith(f"{side}.") or (ids and name == side))

    def vectors(feature: Categorical | Tags) -> Vectors:
        return feature.vectors if feature.vectors.shared_with is None or there(feature.vectors.shared_with) else OWN

    def tags(feature: Tags) -> Tags:
        alone = replace(feature, vectors=vectors(feature))
        return alone if feature.target is None or there(feature.target) else replace(alone, pooling="mean", target=None)

    return Schema(
        categorical=tuple(replace(feature, vectors=vectors(feature)) for feature in schema.categorical if there(feature.name)),
        tags=tuple(tags(feature) for feature in schema.tags if there(feature.name)),
        numbers=tuple(name for name in schema.numbers if there(name)),
    )
