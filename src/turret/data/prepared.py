"""The prepared dataset: what cleaning, splitting and encoding end in, and all that models see of a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from turret.core.interactions import FloatArray, Interactions, check_numbers
from turret.data import columns
from turret.data.beside import Social, Triples
from turret.data.columns import Column
from turret.data.config import Feature
from turret.data.report import Report
from turret.data.vocabulary import Vocabulary

TRAIN, FOLD_IN, VALID, TEST = "train", "fold_in", "valid", "test"


@dataclass(frozen=True)
class Entities:
    """Users or items: their tokens and features by id. Ids that training saw come first.

    Attributes:
        vocabulary: the token of each id, those that only later parts hold at the end.
        features: encoded columns, row = id.
        raw: columns kept as text for people (titles), row = id.
    """

    vocabulary: Vocabulary
    features: Mapping[str, Column] = field(default_factory=dict)
    raw: Mapping[str, Vocabulary] = field(default_factory=dict)

    def check(self, what: str) -> None:
        """Raises ValueError where something does not have a row for each id; see `Prepared.check`."""
        self.vocabulary.check(what)
        for name, column in self.features.items():
            columns.check(f"{what}.{name}", column, len(self.vocabulary))
        for name, texts in self.raw.items():
            texts.check(f"{what}.{name}")
            if len(texts) != len(self.vocabulary):
                raise ValueError(f"{what}.{name} has {len(texts):,} rows, not {len(self.vocabulary):,}")


@dataclass(frozen=True)
class Part:
    """One part of a split.

    Attributes:
        interactions: its rows, sorted by user and time; without users, by time; without times, in the order of the log.
        labels: float32 [n] each, what came of each row, by task; the first is `interactions.label`, and unless given the only one, "label".
        features: encoded columns of the log beside user, item, time, rating, label and weight (the surroundings of an impression), a
            value for each row of `interactions`, in the same order.
    """

    interactions: Interactions
    features: Mapping[str, Column] = field(default_factory=dict)
    labels: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.labels and self.interactions.label is not None:
            object.__setattr__(self, "labels", {"label": self.interactions.label})

    def check(self) -> None:
        """Raises ValueError where something does not have a value for each row; see `Prepared.check`."""
        self.interactions.check()
        for name, values in self.labels.items():
            check_numbers(name, values, len(self.interactions))
        for name, column in self.features.items():
            columns.check(name, column, len(self.interactions))


@dataclass(frozen=True)
class Prepared:
    """A log, cleaned, encoded and split.

    Attributes:
        name: of the dataset.
        n_users: users that training saw: ids 0..n_users-1. `users` also holds those that only later parts have, after them. 0 where the log
            has no users: all rows are then of one user, whose token is "".
        n_items: items that training saw, likewise. A model has n_items items and can never recommend another.
        users, items: tokens and features.
        parts: "train", "fold_in" (what is known of held-out users, never trained on), "valid", "test"; an absent part is empty.
        time_ordered: whether valid lies after train, and test after valid, in time, for each user.
        triples, social: graphs beside the log, of users and items that training saw.
        features: the settings of every feature, those said of all applied.
        hash: identifies the content, for run directories.
        statistics: counts that describe it.
        report: what each step of preparing did and dropped.
    """

    name: str
    n_users: int
    n_items: int
    users: Entities
    items: Entities
    parts: Mapping[str, Part]
    time_ordered: bool = False
    triples: Triples | None = None
    social: Social | None = None
    features: Mapping[str, Feature] = field(default_factory=dict)
    hash: str = ""
    statistics: Mapping[str, float] = field(default_factory=dict)
    report: Report = field(default_factory=Report)

    def check(self) -> None:
        """Refuses arrays that do not fit together, as those of a file may that was damaged, or made up.

        Compiled loops follow ids and offsets without looking where they lead, so that whoever opens a dataset from a file calls this before
        anything else sees it. It reads every array once.

        Raises:
            ValueError: an id is out of range, offsets do not fit, or columns differ in length; says which.
        """
        self.users.check("users")
        self.items.check("items")
        sizes = {"users": len(self.users.vocabulary), "items": len(self.items.vocabulary)}
        for what, seen, n in (("users", self.n_users, sizes["users"]), ("items", self.n_items, sizes["items"])):
            if not isinstance(seen, int) or not 0 <= seen <= n:
                raise ValueError(f"training cannot have seen {seen} of {n:,} {what}")
        kinds = {name: columns.kind_of(column) for name, column in self.parts[TRAIN].features.items()}
        for name, part in self.parts.items():
            part.check()
            known = (self.n_users or 1, self.n_items or 1) if name == TRAIN else tuple(sizes.values())
            if (part.interactions.n_users, part.interactions.n_items) != known:
                raise ValueError(f"{name} should count {known[0]:,} users and {known[1]:,} items")
            if {feature: columns.kind_of(column) for feature, column in part.features.items()} != kinds:
                raise ValueError(f"the features of {name} are not those of {TRAIN}")
        if self.triples is not None:
            self.triples.check(self.n_items)
        if self.social is not None:
            self.social.check(self.n_users)

    def interactions(self, part: str) -> Interactions:
        """The rows of a part. Those of "train" count users and items that training saw; those of the others count all."""
        return self.parts[part].interactions

    @property
    def train(self) -> Interactions:
        """What models of choice learn from."""
        return self.interactions(TRAIN).choices

    def before(self, part: str, *, validation: bool) -> Interactions:
        """Every choice known of each user when `part` is to be predicted: train, fold_in and, for "test" with `validation`, valid.

        It counts all users and items, also those of whom it has no row.
        """
        return self.chosen(TRAIN, FOLD_IN, *((VALID,) if part == TEST and validation else ()))

    def chosen(self, *parts: str) -> Interactions:
        """Every choice in some parts, of which those that are absent are empty. It counts all users and items."""
        sizes = len(self.users.vocabulary), len(self.items.vocabulary)
        tables = [self.interactions(name).choices for name in parts if name in self.parts]
        nothing = np.empty(0, dtype=np.int32)
        return replace(merge(tables), n_users=sizes[0], n_items=sizes[1]) if tables else Interactions(nothing, nothing, *sizes)


def merge(tables: list[Interactions]) -> Interactions:
    """Several tables as one, sorted by user and time; rows of an earlier table come first where times are equal or absent."""
    if len(tables) == 1:
        return tables[0]
    user = np.concatenate([table.user for table in tables])
    optional = {
        name: np.concatenate(columns) if all(column is not None for column in columns) else None
        for name in ("time", "rating", "label", "weight")
        for columns in [[getattr(table, name) for table in tables]]
    }
    time = optional["time"]
    rows = Interactions(
        user=user,
        item=np.concatenate([table.item for table in tables]),
        n_users=max(table.n_users for table in tables),
        n_items=max(table.n_items for table in tables),
        **optional,
    )
    return rows.take(np.argsort(user, kind="stable") if time is None else np.lexsort((time, user)))
