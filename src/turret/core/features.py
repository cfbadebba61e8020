"""What an impression consists of: the typed schema that the prepared data, the models, export and serving share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from turret.core.interactions import FloatArray

Pooling = Literal["mean", "sum", "max", "concat", "attention"]


@dataclass(frozen=True, slots=True)
class Vectors:
    """How the values of a feature become vectors.

    Attributes:
        width: of this feature's own vectors; None: the model's `embed_dim`. A feature with a width of its own is projected to the model's.
        shared_with: the categorical feature whose table, and ids, it shares; None: a table of its own.
        pretrained: float32 [size, width] what the table begins with, NaN where it is drawn; None: all of it is drawn.
    """

    width: int | None = None
    shared_with: str | None = None
    pretrained: FloatArray | None = None


OWN = Vectors()


@dataclass(frozen=True, slots=True)
class Categorical:
    """One category a row.

    Attributes:
        name: `item`, `user.age_group`, `weekday`.
        size: how many ids there are, 0 included, which is a missing value and every value that training did not see often enough.
        vectors: how its values become vectors.
    """

    name: str
    size: int
    vectors: Vectors = OWN


@dataclass(frozen=True, slots=True)
class Tags:
    """Several categories a row.

    Attributes:
        name: such as `item.genre`.
        size: as of `Categorical`.
        vectors: how its values become vectors.
        pooling: how the vectors of a row's values become one; `concat` keeps `length` of them apart.
        target: for `attention`, the categorical feature whose vector is the query.
        length: values kept a row, the first ones; None: all.
    """

    name: str
    size: int
    vectors: Vectors = OWN
    pooling: Pooling = "mean"
    target: str | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """The features of an impression, in the order in which batches hold them.

    Attributes:
        categorical: the columns of `Impressions.tokens`.
        tags: the entries of `Impressions.sets`.
        numbers: names of the columns of `Impressions.floats`, which arrive scaled.
        behaviour: the categorical features of the item, in the order of the columns of `Behaviours.tokens`; empty where the log does not
            say what a user did before.
        context: names of the features that follow neither from the user nor from the item: the surroundings of an impression.
        tasks: names of the columns of `Impressions.labels`.
    """

    categorical: tuple[Categorical, ...] = ()
    tags: tuple[Tags, ...] = ()
    numbers: tuple[str, ...] = ()
    behaviour: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ("label",)

    def place(self, name: str) -> int:
        """The column of `Impressions.tokens` that a categorical feature has."""
        return [feature.name for feature in self.categorical].index(name)

    @property
    def embedded(self) -> tuple[Categorical | Tags, ...]:
        """The features whose values have vectors in a table."""
        return (*self.categorical, *self.tags)

    @property
    def fields(self) -> int:
        """How many vectors an impression has: one a feature, and `length` of tags that are kept apart."""
        apart = sum(feature.length or 1 for feature in self.tags if feature.pooling == "concat")
        pooled = sum(feature.pooling != "concat" for feature in self.tags)
        return len(self.categorical) + pooled + apart + len(self.numbers)

    def plain(self) -> Schema:
        """The same features with vectors as plain as can be: of the common width, drawn, and the members of a set in one."""
        pooling: dict[Pooling, Pooling] = {"sum": "sum"}
        return replace(
            self,
            categorical=tuple(replace(feature, vectors=_plain(feature.vectors)) for feature in self.categorical),
            tags=tuple(
                replace(feature, vectors=_plain(feature.vectors), pooling=pooling.get(feature.pooling, "mean"), target=None, length=None)
                for feature in self.tags
            ),
        )

    @property
    def behaviour_places(self) -> list[int]:
        """The columns of `Impressions.tokens` that hold of the shown item what `Behaviours.tokens` hold of the earlier ones."""
        return [self.place(name) for name in self.behaviour]


def _plain(vectors: Vectors) -> Vectors:
    return Vectors(shared_with=vectors.shared_with)
