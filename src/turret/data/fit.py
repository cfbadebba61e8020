"""Fitting: from a table's fields to encoded columns. All that is fitted is fitted on what training sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from turret.core.interactions import FloatArray, IntArray
from turret.data.columns import Column, Numbers, NumberSets, Tokens, TokenSets
from turret.data.config import Feature
from turret.data.numbering import Edges, Hashing
from turret.data.scale import Scale
from turret.data.schema import Field
from turret.data.tables import Coded, Table
from turret.data.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows of a column come from, and which of them training sees.

    Attributes:
        table, field: the values.
        rows: int [m] the row of the table that each row of the column comes from, -1 for none; None: all, in order.
        seen: how many of the column's rows training sees; they are the first.
        times: int64 [seen] in how many training rows each of these occurs; None: in one.
    """

    table: Table
    field: Field
    rows: IntArray | None
    seen: int
    times: IntArray | None = None


def fitted(origins: Mapping[str, Origin], settings: Mapping[str, Feature], ids: Mapping[str, Vocabulary]) -> Iterator[tuple[str, Column]]:
    """The columns of some features by name, one at a time.

    Args:
        origins: where each comes from.
        settings: of each, and of the ids.
        ids: by "user" and "item", those that training saw.
    """
    for name, origin in origins.items():
        if origin.field.type == "float":
            yield name, _numbers(origin, settings[name])
        elif origin.field.type == "float_seq":
            yield name, _number_sets(origin, settings[name])
    categorical = [name for name, origin in origins.items() if origin.field.type in ("token", "token_seq")]
    owners = [*ids, *(name for name in categorical if settings[name].shared_with is None)]
    for owner in owners:
        names = [name for name in categorical if owner in (name, settings[name].shared_with)]
        yield from _numbered({name: origins[name] for name in names}, settings[owner], ids.get(owner))


def numbered(codes: IntArray, ids: IntArray) -> IntArray:
    """int32 [k] the ids of codes, 0 where a code is -1."""
    # One place more, which -1 finds at the end.
    return np.append(ids, np.int32(0)).astype(np.int32, copy=False)[codes]


def part_of(whole: Column, start: int, stop: int) -> Column:
    """The rows from `start` to `stop` of a column."""
    if isinstance(whole, Tokens):
        return Tokens(whole.ids[start:stop], whole.vocabulary)
    if isinstance(whole, Numbers):
        return Numbers(whole.values[start:stop], whole.scale)
    offsets = whole.offsets[start : stop + 1]
    inside = slice(int(offsets[0]), int(offsets[-1]))
    if isinstance(whole, TokenSets):
        return TokenSets(offsets - offsets[0], whole.ids[inside], whole.vocabulary)
    return NumberSets(offsets - offsets[0], whole.values[inside], whole.scales)


@dataclass(frozen=True, slots=True)
class _Coded:
    """The tokens of a column.

    Attributes:
        codes: int32 [k] of all rows, end to end, -1 where missing.
        offsets: int64 [m + 1] where each row's begin; None: one a row.
        vocabulary: of the codes.
        counts: int64 [len(vocabulary)] how often training sees each.
    """

    codes: IntArray
    offsets: IntArray | None
    vocabulary: Vocabulary
    counts: IntArray

    def numbered(self, ids: IntArray, vocabulary: Vocabulary | Hashing) -> Tokens | TokenSets:
        """The column whose codes have these ids, int32 [len(self.vocabulary)]."""
        column = numbered(self.codes, ids)
        return Tokens(column, vocabulary) if self.offsets is None else TokenSets(self.offsets, column, vocabulary)


def _numbered(origins: Mapping[str, Origin], feature: Feature, known: Vocabulary | None) -> Iterator[tuple[str, Column]]:
    """The columns that share their ids, with `feature` as the settings of what owns these; `known` are ids that are not for fitting."""
    alone = len(origins) == 1 and known is None
    # A value that is rare in the whole log is so in its training part, and the table need not number it.
    columns = {name: _coded(origin, feature.min_count if alone and feature.hash_size is None else 1) for name, origin in origins.items()}
    vocabulary = known or (Hashing(feature.hash_size) if feature.hash_size else _frequent(list(columns.values()), feature.min_count))
    for name, column in columns.items():
        yield name, column.numbered(vocabulary.encode(column.vocabulary), vocabulary)


def _frequent(columns: Sequence[_Coded], min_count: int) -> Vocabulary:
    """The values that training sees often enough, over all of the columns."""
    every = columns[0].vocabulary if len(columns) == 1 else Vocabulary.union(column.vocabulary for column in columns)
    counts = np.zeros(len(every), dtype=np.int64)
    for column in columns:
        counts[every.ids(column.vocabulary)] += column.counts
    return every.take(np.flatnonzero(counts >= min_count))


def _coded(origin: Origin, at_least: int) -> _Coded:
    table, field = origin.table, origin.field
    if field.type == "token":
        coded = table.tokens(field.name, at_least if origin.times is None else 1)
        codes = coded.codes if origin.rows is None else np.where(origin.rows >= 0, coded.codes[origin.rows], np.int32(-1))
        return _Coded(codes, None, coded.vocabulary, _counts(codes[: origin.seen], len(coded.vocabulary), origin.times))
    lists = table.lists(field.name)
    assert isinstance(lists.values, Coded)
    offsets, places = _gathered(lists.offsets, origin.rows)
    codes, first = lists.values.codes[places], offsets[: origin.seen + 1]
    times = None if origin.times is None else np.repeat(origin.times, np.diff(first))
    n = len(lists.values.vocabulary)
    return _Coded(codes, offsets, lists.values.vocabulary, _counts(codes[: int(first[-1])], n, times))


def _counts(codes: IntArray, n: int, times: IntArray | None) -> IntArray:
    """int64 [n] how often each code occurs, not counting -1."""
    return np.bincount(codes + 1, weights=times, minlength=n + 1)[1:].astype(np.int64)


def read_numbers(table: Table, field: Field) -> FloatArray:
    """float32 [n] a column of numbers, NaN where missing; an infinite one is refused."""
    read = table.numbers(field.name)
    with np.errstate(over="ignore"):
        values = read.astype(np.float32)
    if np.any(np.isinf(values)):
        table.refuse("the number is infinite or too large", row=int(np.argmax(np.isinf(values))), column=field.name)
    return values


def _numbers(origin: Origin, feature: Feature) -> Column:
    values = read_numbers(origin.table, origin.field)
    if origin.rows is not None:
        values = np.where(origin.rows >= 0, values[origin.rows], np.float32(np.nan))
    seen = values[: origin.seen]
    if feature.buckets is None:
        return Numbers(values, Scale.fit(feature.scale, seen, origin.times))
    edges = Edges.fit(feature.buckets, seen, origin.times)
    return Tokens(edges.encode(values), edges)


def _number_sets(origin: Origin, feature: Feature) -> NumberSets:
    lists = origin.table.lists(origin.field.name)
    assert not isinstance(lists.values, Coded)
    offsets, places = _gathered(lists.offsets, origin.rows)
    whole = NumberSets(offsets, lists.values[places].astype(np.float32))
    seen = part_of(whole, 0, origin.seen)
    assert isinstance(seen, NumberSets)
    longest = int(np.diff(seen.offsets).max(initial=0))
    scales = tuple(Scale.fit(feature.scale, seen.at(place), origin.times) for place in range(longest))
    return NumberSets(offsets, whole.values, scales)


def _gathered(offsets: IntArray, rows: IntArray | None) -> tuple[IntArray, IntArray | slice]:
    """The offsets of the lists of some rows, and the place of each of their values."""
    if rows is None:
        return offsets, slice(None)
    lengths = np.where(rows >= 0, np.diff(offsets)[rows], 0)
    gathered = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(lengths, out=gathered[1:])
    return gathered, np.arange(gathered[-1]) + np.repeat(offsets[:-1][rows] - gathered[:-1], lengths)
