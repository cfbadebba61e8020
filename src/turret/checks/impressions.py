"""Impressions as numbers: the ids of their features, which rows are the same to a model, and how well a score orders their labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from turret.batches.schema import columns_of, labels_of
from turret.checks.subject import ROWS, Subject
from turret.core.interactions import FloatArray, IntArray
from turret.data.columns import Column, Numbers, NumberSets, Tokens, TokenSets
from turret.data.features import ITEM, USER
from turret.data.numbering import Edges
from turret.data.prepared import TEST, TRAIN, Prepared
from turret.evaluation.answers import Levels

BUCKETS = 1000
"""Quantiles of training that numbers are cut into."""
MEMBER = 1 << 20
"""The salt of what is in a set: any that is not 0, which would make nothing of a 0."""
Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Values:
    """The ids of a feature in some rows; 0 is a value that is missing or that training never saw.

    Attributes:
        ids: int [m], of all rows end to end.
        offsets: int64 [n + 1] where those of each row begin; None: one a row.
    """

    ids: IntArray
    offsets: IntArray | None = None

    def each(self, values: FloatArray) -> FloatArray:
        """float [m] the values float [n] of the rows, for each of their ids."""
        return values if self.offsets is None else np.repeat(values, np.diff(self.offsets))

    def mean(self, values: FloatArray, nothing: float) -> FloatArray:
        """float64 [n] the mean over the ids of each row of what `values` float64 [S] has for them; `nothing` for a row without ids."""
        if self.offsets is None:
            return values[self.ids]
        sums, lengths = np.concatenate([[0.0], np.cumsum(values[self.ids])]), np.diff(self.offsets)
        return np.where(lengths > 0, np.diff(sums[self.offsets]) / np.maximum(lengths, 1), nothing)

    @cached_property
    def unknown(self) -> float:
        """The share of rows without an id above 0."""
        if self.offsets is None:
            return float(np.mean(self.ids == 0))
        known = np.concatenate([[0], np.cumsum(self.ids > 0)])
        return float(np.mean(np.diff(known[self.offsets]) == 0))


@dataclass(frozen=True)
class Sampled:
    """The impressions of training and test that are looked at.

    Attributes:
        prepared: the dataset.
        rows: int64, by part, ascending.
    """

    prepared: Prepared
    rows: dict[str, IntArray]

    @classmethod
    def of(cls, subject: Subject) -> Sampled:
        """All, or of more than `ROWS` so many that are drawn."""
        rows: dict[str, IntArray] = {}
        for part in (TRAIN, TEST):
            n = len(subject.prepared.interactions(part))
            rows[part] = np.arange(n) if n <= ROWS else np.sort(subject.generator("impressions", part).choice(n, ROWS, replace=False))
        return cls(subject.prepared, rows)

    def labels(self, task: str, part: str) -> FloatArray:
        """float64 [n] the labels of a task."""
        return np.asarray(labels_of(self.prepared.parts[part])[task])[self.rows[part]].astype(np.float64)

    def features(self) -> Iterator[tuple[str, Values, Values]]:
        """Each feature by name, with its values in training and in the test. Columns of several numbers a row are left out."""
        for name, n in ((USER, self.prepared.n_users), (ITEM, self.prepared.n_items)):
            if n:
                train, test = (self._ids(name, n, part) for part in (TRAIN, TEST))
                yield name, train, test
        of_train, of_test = columns_of(self.prepared, TRAIN), columns_of(self.prepared, TEST)
        for name, (column, places) in of_train.items():
            if not isinstance(column, NumberSets):
                edges = _edges(_taken(column, places, self.rows[TRAIN]))
                own = ((of_train[name], TRAIN), (of_test[name], TEST))
                train, test = (_values(_taken(column, places, self.rows[part]), edges) for (column, places), part in own)
                yield name, train, test

    def numbers(self, name: str, part: str) -> FloatArray | None:
        """float32 [n] the values of a feature that is a number of the log itself; None for others."""
        column = self.prepared.parts[part].features.get(name)
        return np.asarray(column.values)[self.rows[part]] if isinstance(column, Numbers) else None

    def _ids(self, role: str, n: int, part: str) -> Values:
        ids = np.asarray(getattr(self.prepared.interactions(part), role))[self.rows[part]].astype(np.int64)
        return Values(np.where(ids < n, ids + 1, 0))


def lacking(subject: Subject) -> str:
    """Why there are no impressions to look at; empty where there are."""
    if not labels_of(subject.prepared.parts[TRAIN]):
        return "the log has no labels"
    return "" if TEST in subject.prepared.parts and len(subject.prepared.interactions(TEST)) else "the test part is empty"


def is_binary(labels: FloatArray) -> bool:
    """Whether labels are all 0 or 1."""
    return bool(np.all((labels == 0) | (labels == 1)))


def auc(scores: FloatArray, labels: FloatArray) -> float:
    """The probability that a 1 has a higher score than a 0, ties counted half; NaN without both labels."""
    values, level = np.unique(scores, return_inverse=True)
    ones, all_of = (np.bincount(level, each, len(values)).astype(np.float64) for each in (labels, np.ones(len(labels))))
    zeros = all_of - ones
    return Levels(zeros, ones, values).area if ones.any() and zeros.any() else float("nan")


def rates(ids: IntArray, labels: FloatArray, size: int) -> FloatArray:
    """float64 [size] the share of labels 1 of each id, as if each had one more row at the share of all."""
    prior = float(labels.mean()) if len(labels) else 0.0
    return (np.bincount(ids, labels, size) + prior) / (np.bincount(ids, minlength=size) + 1)


def keys(prepared: Prepared, part: str) -> Keys:
    """uint64 [n] a hash of the ids and features of each row of a part, without its time: equal for rows that are the same to a model that
    reads no more than these, and hardly ever for others. Users and items that training never saw are one each, but for their features."""
    log = prepared.interactions(part)
    user, item = (
        np.minimum(np.asarray(ids), n).astype(np.uint64) for ids, n in ((log.user, prepared.n_users), (log.item, prepared.n_items))
    )
    found = _mixed(_mixed(user, 1) ^ item, 2)
    for place, (column, rows) in enumerate(columns_of(prepared, part).values(), start=3):
        bits = _bits(column)
        found = _mixed((bits if rows is None else bits[np.asarray(rows)]) ^ found, place)
    return found


def _bits(column: Column) -> Keys:
    """uint64 [n] a number for what each row of a column holds."""
    if isinstance(column, Tokens):
        return np.asarray(column.ids).astype(np.uint64)
    if isinstance(column, Numbers):
        return np.asarray(column.values, dtype=np.float32).view(np.uint32).astype(np.uint64)
    inside = column.ids if isinstance(column, TokenSets) else np.asarray(column.values, dtype=np.float32).view(np.uint32)
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(_mixed(np.asarray(inside).astype(np.uint64), MEMBER), dtype=np.uint64)])
    return np.diff(sums[np.asarray(column.offsets)])


def _mixed(values: Keys, salt: int) -> Keys:
    """uint64 [n] numbers whose bits all depend on all bits: the finaliser of MurmurHash3 (A. Appleby, in the public domain)."""
    h = values + np.uint64((salt * 0x9E3779B97F4A7C15) % 2**64)
    for shift, factor in ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53)):
        h = (h ^ (h >> np.uint64(shift))) * np.uint64(factor)
    mixed: Keys = h ^ (h >> np.uint64(33))
    return mixed


def _taken(column: Column, places: IntArray | None, rows: IntArray) -> tuple[Column, IntArray]:
    """A column, and the places in it of some rows."""
    return column, rows if places is None else np.asarray(places)[rows]


def _edges(taken: tuple[Column, IntArray]) -> Edges | None:
    column, places = taken
    return Edges.fit(BUCKETS, np.asarray(column.values)[places]) if isinstance(column, Numbers) else None


def _values(taken: tuple[Column, IntArray], edges: Edges | None) -> Values:
    column, places = taken
    if isinstance(column, Tokens):
        return Values(np.asarray(column.ids)[places])
    if isinstance(column, Numbers):
        assert edges is not None
        return Values(edges.encode(np.asarray(column.values)[places]))
    assert isinstance(column, TokenSets)
    begins = np.asarray(column.offsets)
    lengths = np.diff(begins)[places]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    inside = np.arange(offsets[-1]) + np.repeat(begins[:-1][places] - offsets[:-1], lengths)
    return Values(np.asarray(column.ids)[inside], offsets)
