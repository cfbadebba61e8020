"""Encoding: from the codes of a split to ids, training's first, and the tables beside a log by these ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turret.core.interactions import IntArray
from turret.data.load import NOBODY, ids, numbers, rows_by_id
from turret.data.log import Mask
from turret.data.prepared import Social, Triples
from turret.data.report import Report
from turret.data.tables import Table, field_of
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

    @property
    def trained(self) -> Vocabulary:
        """The tokens that training saw."""
        return self.vocabulary.take(np.arange(self.known))


def number(codes: IntArray, in_train: Mask, vocabulary: Vocabulary) -> Numbered:
    """Numbers the codes that occur, those of the training rows first; of a log without such a column, nobody is known."""
    if vocabulary is NOBODY:
        return Numbered(codes, 0, NOBODY)
    trained = np.bincount(codes[in_train], minlength=len(vocabulary)) > 0
    later = (np.bincount(codes, minlength=len(vocabulary)) > 0) & ~trained
    chosen = np.concatenate([np.flatnonzero(trained), np.flatnonzero(later)])
    ids_of_codes = np.full(len(vocabulary), -1, dtype=np.int32)
    ids_of_codes[chosen] = np.arange(len(chosen), dtype=np.int32)
    return Numbered(ids_of_codes[codes], int(np.count_nonzero(trained)), vocabulary.take(chosen))


def told_of(vocabulary: Vocabulary, table: Table, role: str, report: Report) -> IntArray:
    """int64 [len(vocabulary)] the row of the table of users or items that tells of each, -1 where none does."""
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
    return rows


def texts(table: Table, rows: IntArray) -> dict[str, Vocabulary]:
    """The columns for people of a table of users or items, by id: "" where `rows` is -1."""
    raw = {field.name: table.texts(field.name) for field in table.fields if field.role == "title"}
    return {name: Vocabulary.of(values[row] if row >= 0 else "" for row in rows) for name, values in raw.items()}


def triples(graph: Table, links: Table | None, items: Vocabulary, report: Report) -> Triples:
    """The knowledge graph, and which of its entities each item is."""
    head, relation, tail = (ids(graph, field) for role in ("head", "relation", "tail") if (field := field_of(graph, role)))
    linked_item, linked_entity = (
        (ids(links, field) for role in ("item", "entity") if (field := field_of(links, role))) if links else (None, None)
    )
    sources = [head, tail] + ([linked_entity] if linked_entity else [])
    every = Vocabulary.union(source.vocabulary for source in sources)
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
