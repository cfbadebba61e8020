"""From the tables beside a log, .kg and .link, to the knowledge graph: which entity is which item, and which triples count.

That an entity is an item is said by the links alone, as RecBole has it, which refuses a graph without them. Tokens that are alike say
nothing: items and entities may both be numbers, and other ones (as in the Last.fm graph of KGCN).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

import numpy as np

from turret.core.errors import InputError
from turret.core.interactions import IntArray
from turret.data.beside import Triples, first_of_each
from turret.data.config import KnowledgeGraph
from turret.data.load import ids
from turret.data.log import Mask
from turret.data.report import Report
from turret.data.tables import Table, field_of
from turret.data.vocabulary import Vocabulary

STEP = "knowledge graph"
"""What the report calls this."""
SHOWN = 20
"""Relations that an error lists."""


@dataclass(frozen=True)
class _Graph:
    """The triples while they are worked on.

    Attributes:
        head, relation, tail: int [n] entities 0..entities-1, of which the first `n_items` are items, and relations.
        n_items, n_entities, n_relations: how many there are.
    """

    head: IntArray
    relation: IntArray
    tail: IntArray
    n_items: int
    n_entities: int
    n_relations: int

    def take(self, rows: IntArray | Mask) -> _Graph:
        """Some of the triples."""
        return replace(self, head=self.head[rows], relation=self.relation[rows], tail=self.tail[rows])

    def __len__(self) -> int:
        return len(self.head)

    @property
    def degree(self) -> IntArray:
        """int64 [n_entities] in how many triples each entity is."""
        return np.bincount(self.head, minlength=self.n_entities) + np.bincount(self.tail, minlength=self.n_entities)

    @property
    def uses(self) -> IntArray:
        """int64 [n_relations] how many triples each relation has."""
        return np.bincount(self.relation, minlength=self.n_relations)


def triples(table: Table, links: Table | None, items: Vocabulary, config: KnowledgeGraph, report: Report) -> Triples:
    """The knowledge graph of a dataset.

    Args:
        table: of triples.
        links: which item is which entity; None where nothing says it.
        items: those that training saw, by id.
        config: the settings.
        report: takes notes.

    Raises:
        InputError: an id is missing, or `keep_relations` names a relation that there is not.
    """
    head, relation, tail = (ids(table, field) for role in ("head", "relation", "tail") if (field := field_of(table, role)))
    entities = Vocabulary.union((head.vocabulary, tail.vocabulary))
    report.add(STEP, f"{len(table):,} triples of {len(entities):,} entities and {len(relation.vocabulary):,} relations")
    item_of = _items_of(links, items, entities, report)
    number = np.where(item_of >= 0, item_of, len(items) + np.arange(len(entities)))
    graph = _Graph(
        number[entities.ids(head.vocabulary)][head.codes],
        relation.codes,
        number[entities.ids(tail.vocabulary)][tail.codes],
        len(items),
        len(items) + len(entities),
        len(relation.vocabulary),
    )
    graph = _selected(graph, relation.vocabulary, config, report)
    found = _named(graph, entities, relation.vocabulary)
    report.add(
        STEP,
        f"{len(found):,} triples, {len(found.others):,} entities that are no items and {found.n_relations:,} relations are kept; "
        f"they tell of {np.count_nonzero(found.told_of):,} of {len(items):,} items",
    )
    return found.with_inverses() if config.inverse_relations else found


def _items_of(links: Table | None, items: Vocabulary, entities: Vocabulary, report: Report) -> IntArray:
    """int64 [len(entities)] the item that each entity is, or -1."""
    found = np.full(len(entities), -1, dtype=np.int64)
    if links is None:
        alike = int(np.count_nonzero(entities.ids(items) >= 0))
        also = f"; {alike:,} items have the token of an entity, which may mean nothing" if alike else ""
        report.add(STEP, f"there is no table of links (NAME.link), which says which item is which entity, so that no item is one{also}")
        return found
    item, entity = (
        names.ids(coded.vocabulary)[coded.codes]
        for role, names in (("item", items), ("entity", entities))
        if (field := field_of(links, role))
        for coded in [ids(links, field)]
    )
    idle, useless = item < 0, (item >= 0) & (entity < 0)
    rows = np.flatnonzero(~idle & ~useless)
    second_item, second_entity = 0, 0
    has_entity = np.zeros(len(items), dtype=bool)
    while len(rows):
        # A link counts unless an earlier one that counts has its item or its entity.
        counts = np.intersect1d(rows[first_of_each(item[rows])], rows[first_of_each(entity[rows])])
        found[entity[counts]], has_entity[item[counts]] = item[counts], True
        left = rows[~np.isin(rows, counts)]
        rows = left[~has_entity[item[left]] & (found[entity[left]] < 0)]
        second_item += np.count_nonzero(has_entity[item[left]])
        second_entity += len(left) - len(rows) - np.count_nonzero(has_entity[item[left]])
    linked = np.count_nonzero(has_entity)
    lost = (
        (np.count_nonzero(idle), "of items that training does not know"),
        (np.count_nonzero(useless), "to entities without a triple"),
        (second_item, "second ones of an item"),
        (second_entity, "second ones to an entity"),
    )
    words = [f"{count:,} {which}" for count, which in lost if count]
    left_out = f"; of {len(links):,} links are left out: {', '.join(words)}" if words else ""
    report.add(STEP, f"{linked:,} of {len(items):,} items are entities{left_out}")
    return found


def _selected(graph: _Graph, relations: Vocabulary, config: KnowledgeGraph, report: Report) -> _Graph:
    """The triples that count, each once and sorted."""
    apart = graph.take(graph.head != graph.tail)
    if len(apart) < len(graph):
        report.add(STEP, f"{len(graph) - len(apart):,} triples of an entity with itself are left out")
    graph = _of_relations(apart, relations, config.keep_relations, report)
    once = graph.take(first_of_each(graph.head, graph.relation, graph.tail))
    if len(once) < len(graph):
        report.add(STEP, f"{len(graph) - len(once):,} triples that are there already are left out")
    return _core(once, config, report)


def _of_relations(graph: _Graph, relations: Vocabulary, kept: tuple[str, ...] | None, report: Report) -> _Graph:
    """The triples of the relations that are asked for."""
    if kept is None:
        return graph
    wanted = np.zeros(graph.n_relations, dtype=bool)
    for name in kept:
        relation = relations.id(name)
        if relation is None:
            near = difflib.get_close_matches(name, list(relations), 1)
            some = ", ".join(relations.tokens(range(min(len(relations), SHOWN))))
            hint = f"did you mean {near[0]}?" if near else f"the relations are {some}{', ...' if len(relations) > SHOWN else ''}"
            raise InputError(f"keep_relations names '{name}', which is no relation of the knowledge graph", hint=hint)
        wanted[relation] = True
    taken = graph.take(wanted[graph.relation])
    report.add(
        STEP, f"{len(kept):,} of {len(relations):,} relations are kept, as asked for: {len(graph) - len(taken):,} triples are left out"
    )
    return taken


def _core(graph: _Graph, config: KnowledgeGraph, report: Report) -> _Graph:
    """Leaves out rare entities and rare relations, in rounds, until all that are left have as many triples as they should. Items stay."""
    least, least_of_relation = config.min_entity_count, config.min_relation_count
    if least < 2 and least_of_relation < 2:
        return graph
    before, rounds = graph, 0
    while len(graph):
        stays = graph.degree >= least
        stays[: graph.n_items] = True
        keep = stays[graph.head] & stays[graph.tail] & (graph.uses >= least_of_relation)[graph.relation]
        if keep.all():
            break
        graph, rounds = graph.take(keep), rounds + 1
    asked = (("entities", least), ("relations", least_of_relation))
    bounds = " and ".join(f"{name} in {count:,} or more" for name, count in asked if count > 1)
    lost = (
        (len(before) - len(graph), "triples"),
        (_present(before.degree[before.n_items :]) - _present(graph.degree[graph.n_items :]), "entities"),
        (_present(before.uses) - _present(graph.uses), "relations"),
        (_present(before.degree[: before.n_items]) - _present(graph.degree[: graph.n_items]), "items with a triple"),
    )
    left_out = ", ".join(f"{count:,} {what}" for count, what in lost if count) or "nothing"
    report.add(STEP, f"{bounds} triples are kept, {rounds} rounds: {left_out} left out")
    return graph


def _present(counts: IntArray) -> int:
    return int(np.count_nonzero(counts))


def _named(graph: _Graph, entities: Vocabulary, relations: Vocabulary) -> Triples:
    """The graph with the entities and relations that are left of it, numbered in the order of their tokens."""
    others = np.flatnonzero(graph.degree[graph.n_items :])
    used = np.flatnonzero(graph.uses)
    number = np.arange(graph.n_entities, dtype=np.int32)
    number[graph.n_items + others] = graph.n_items + np.arange(len(others))
    number_of_relation = np.zeros(graph.n_relations, dtype=np.int32)
    number_of_relation[used] = np.arange(len(used))
    return Triples(
        number[graph.head],
        number_of_relation[graph.relation],
        number[graph.tail],
        graph.n_items,
        entities.take(others),
        relations.take(used),
    )
