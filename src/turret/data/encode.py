"""Encoding: from the rows of a split to ids and feature columns. All that is fitted is fitted on what training sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turret.core.interactions import IntArray
from turret.data.columns import Column, Numbers, NumberSets, Tokens, TokenSets
from turret.data.load import ids, numbers, rows_by_id
from turret.data.log import Mask
from turret.data.prepared import Entities, Social, Triples
from turret.data.report import Report
from turret.data.schema import Field
from turret.data.tables import Coded, Table, field_of
from turret.data.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Numbered:
    """Codes made ids.

    Attributes:
        ids: int32 [n].
        known: how many ids training saw; they are 0..known-1, in the order of their tokens, and so are those after them.
        vocabulary: the token of each id.
    """

    ids: IntArray
    known: int
    vocabulary: Vocabulary


def number(codes: IntArray, in_train: Mask, vocabulary: Vocabulary) -> Numbered:
    """Numbers the codes that occur, those of the training rows first."""
    trained = np.bincount(codes[in_train], minlength=len(vocabulary)) > 0
    later = (np.bincount(codes, minlength=len(vocabulary)) > 0) & ~trained
    chosen = np.concatenate([np.flatnonzero(trained), np.flatnonzero(later)])
    ids_of_codes = np.full(len(vocabulary), -1, dtype=np.int32)
    ids_of_codes[chosen] = np.arange(len(chosen), dtype=np.int32)
    return Numbered(ids_of_codes[codes], int(np.count_nonzero(trained)), vocabulary.take(chosen))


def column(table: Table, field: Field, rows: IntArray, fitted: int) -> Column:
    """A feature column.

    Args:
        table, field: where it comes from.
        rows: int64 [m] the row of the table that each row of the column comes from, -1 for none.
        fitted: the vocabulary is that of the first `fitted` rows; other values are 0.
    """
    if field.type == "token":
        coded = table.tokens(field.name)
        return Tokens(*_fitted(_gather(coded.codes, rows), fitted, coded.vocabulary))
    if field.type == "float":
        values = table.numbers(field.name)
        if np.any(np.isinf(values)):
            table.refuse("the number is infinite", row=int(np.argmax(np.isinf(values))), column=field.name)
        return Numbers(np.where(rows >= 0, values[rows], np.nan).astype(np.float32))
    lists = table.lists(field.name)
    offsets, places = _gather_lists(lists.offsets, rows)
    if isinstance(lists.values, Coded):
        members, vocabulary = _fitted(lists.values.codes[places], int(offsets[fitted]), lists.values.vocabulary)
        return TokenSets(offsets, members, vocabulary)
    return NumberSets(offsets, lists.values[places].astype(np.float32))


def part_of(whole: Column, start: int, stop: int) -> Column:
    """The rows from `start` to `stop` of a column."""
    if isinstance(whole, Tokens):
        return Tokens(whole.ids[start:stop], whole.vocabulary)
    if isinstance(whole, Numbers):
        return Numbers(whole.values[start:stop])
    offsets = whole.offsets[start : stop + 1]
    inside = slice(int(offsets[0]), int(offsets[-1]))
    if isinstance(whole, TokenSets):
        return TokenSets(offsets - offsets[0], whole.ids[inside], whole.vocabulary)
    return NumberSets(offsets - offsets[0], whole.values[inside])


def entities(vocabulary: Vocabulary, known: int, table: Table | None, role: str, report: Report) -> Entities:
    """Users or items with what their table tells of them; vocabularies are those of the ids that training saw."""
    if table is None:
        return Entities(vocabulary)
    key = field_of(table, role)
    assert key is not None
    rows = rows_by_id(table, key, vocabulary)
    told = int(np.count_nonzero(rows >= 0))
    report.add(
        f"{role} table",
        f"tells of {told:,} of {len(vocabulary):,} {role}s; {len(table) - told:,} of its rows are of {role}s without interactions",
    )
    if table.left_out:
        report.add(f"{role} table", f"columns that nothing says the meaning of were left out: {', '.join(table.left_out)}")
    features = {field.name: column(table, field, rows, known) for field in table.fields if field.role == "feature"}
    raw = {field.name: _texts(table, field, rows) for field in table.fields if field.role == "title"}
    return Entities(vocabulary, features, raw)


def triples(graph: Table, links: Table | None, items: Vocabulary, report: Report) -> Triples:
    """The knowledge graph, and which of its entities each item is."""
    head, relation, tail = (ids(graph, field) for role in ("head", "relation", "tail") if (field := field_of(graph, role)))
    linked_item, linked_entity = (
        (ids(links, field) for role in ("item", "entity") if (field := field_of(links, role))) if links else (None, None)
    )
    sources = [head, tail] + ([linked_entity] if linked_entity else [])
    tokens = sorted({token for source in sources for token in source.vocabulary}, key=lambda token: (len(token), token))
    every = Vocabulary.of(tokens)
    entity_of_item = np.full(len(items), -1, dtype=np.int32)
    if linked_item is not None and linked_entity is not None:
        item = items.ids(linked_item.vocabulary)[linked_item.codes]
        entity = every.ids(linked_entity.vocabulary)[linked_entity.codes]
        inside, first = np.unique(item, return_index=True)
        entity_of_item[inside[inside >= 0]] = entity[first[inside >= 0]]
        linked, idle = np.count_nonzero(entity_of_item >= 0), np.count_nonzero(item < 0)
        more = len(item) - idle - linked
        report.add(
            "links", f"{linked:,} items are entities; {idle:,} links are of items without interactions, {more:,} second ones of an item"
        )
    report.add("knowledge graph", f"{len(graph):,} triples, {len(every):,} entities, {len(relation.vocabulary):,} relations")
    return Triples(
        head=every.ids(head.vocabulary)[head.codes].astype(np.int32),
        relation=relation.codes,
        tail=every.ids(tail.vocabulary)[tail.codes].astype(np.int32),
        entities=every,
        relations=relation.vocabulary,
        entity_of_item=entity_of_item,
    )


def social(graph: Table, users: Vocabulary, report: Report) -> Social:
    """The links between users of the log."""
    source, target = (ids(graph, field) for role in ("source", "target") if (field := field_of(graph, role)))
    from_user = users.ids(source.vocabulary)[source.codes]
    to_user = users.ids(target.vocabulary)[target.codes]
    inside = (from_user >= 0) & (to_user >= 0)
    weight = field_of(graph, "weight")
    report.add("social graph", f"{np.count_nonzero(inside):,} links", rows=int(np.count_nonzero(~inside)))
    return Social(
        from_user[inside].astype(np.int32),
        to_user[inside].astype(np.int32),
        None if weight is None else numbers(graph, weight)[inside].astype(np.float32),
    )


def _gather(codes: IntArray, rows: IntArray) -> IntArray:
    return np.where(rows >= 0, codes[rows], np.int32(-1))


def _fitted(codes: IntArray, fitted: int, vocabulary: Vocabulary) -> tuple[IntArray, Vocabulary]:
    """Codes (-1 missing) as ids from 1 over the values of the first `fitted`; 0 for the rest."""
    # One place more, which -1 finds at the end.
    ids_of_codes = np.zeros(len(vocabulary) + 1, dtype=np.int32)
    inside = codes[:fitted]
    chosen = np.flatnonzero(np.bincount(inside[inside >= 0], minlength=len(vocabulary)))
    ids_of_codes[chosen] = np.arange(1, len(chosen) + 1, dtype=np.int32)
    return ids_of_codes[codes], vocabulary.take(chosen)


def _gather_lists(offsets: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """The offsets of the gathered lists, and the place of each of their values."""
    lengths = np.where(rows >= 0, np.diff(offsets)[rows], 0)
    gathered = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(lengths, out=gathered[1:])
    return gathered, np.arange(gathered[-1]) + np.repeat(offsets[:-1][rows] - gathered[:-1], lengths)


def _texts(table: Table, field: Field, rows: IntArray) -> Vocabulary:
    texts = table.texts(field.name)
    return Vocabulary.of(texts[row] if row >= 0 else "" for row in rows)
