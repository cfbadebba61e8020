"""The knowledge graph beside a log: which entity is which item, which triples count, and that no later part has a say."""

from __future__ import annotations

import itertools
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.data import DataConfig, Prepared, prepare
from turret.data.beside import Triples
from turret.data.config import KnowledgeGraph
from turret.data.knowledge import triples
from turret.data.report import Report
from turret.data.vocabulary import Vocabulary

from .beside import MemoryTable, write

Row = tuple[str, str, str]
WHOLE = KnowledgeGraph()
ITEMS = ["a", "b", "c", "1"]
# Entities share the tokens of items, which says nothing.
ENTITY = st.sampled_from(["a", "b", "e1", "e2", "e3", "1", "2", "ü"])
ROWS = st.lists(st.tuples(ENTITY, st.sampled_from(["r", "s", "long"]), ENTITY), min_size=1, max_size=25)
LINKS = st.lists(st.tuples(st.sampled_from([*ITEMS, "later"]), ENTITY), max_size=12)


def read(rows: list[Row], links: list[tuple[str, str]] | None, config: KnowledgeGraph = WHOLE) -> tuple[Triples, str]:
    head, relation, tail = zip(*rows, strict=True)
    beside = None if links is None else MemoryTable({"item": [item for item, _ in links], "entity": [entity for _, entity in links]})
    report = Report()
    table = MemoryTable({"head": head, "relation": relation, "tail": tail})
    found = triples(table, beside, Vocabulary.of(ITEMS), config, report)
    found.check(len(ITEMS))
    return found, str(report)


def named(graph: Triples) -> list[Row]:
    """The triples with names: an item is `*` and its token."""
    entities = [*(f"*{token}" for token in ITEMS), *graph.others]
    relations = list(graph.relations)
    return [(entities[h], relations[r], entities[t]) for h, r, t in zip(graph.head, graph.relation, graph.tail, strict=True)]


def by_hand(rows: list[Row], links: list[tuple[str, str]], config: KnowledgeGraph) -> set[Row]:
    """The same, a row at a time."""
    known = {entity for head, _, tail in rows for entity in (head, tail)}
    item_of: dict[str, str] = {}
    for item, entity in links:
        if item in ITEMS and entity in known and item not in item_of.values() and entity not in item_of:
            item_of[entity] = item
    names = {entity: f"*{item_of[entity]}" if entity in item_of else entity for entity in known}
    left = {(names[head], relation, names[tail]) for head, relation, tail in rows if head != tail}
    left = {row for row in left if config.keep_relations is None or row[1] in config.keep_relations}
    while True:
        for row in left:
            rare = sum(relation == row[1] for _, relation, _ in left) < config.min_relation_count
            for end in (row[0], row[2]):
                rare |= not end.startswith("*") and sum(end in (head, tail) for head, _, tail in left) < config.min_entity_count
            if rare:
                left = left - {row}
                break
        else:
            return left


@settings(max_examples=300, deadline=None)
@given(rows=ROWS, links=LINKS, entity=st.integers(0, 4), relation=st.integers(0, 5), kept=st.none() | st.sets(st.sampled_from(["r", "s"])))
def test_what_counts_is_what_is_counted_by_hand(
    rows: list[Row], links: list[tuple[str, str]], entity: int, relation: int, kept: set[str] | None
) -> None:
    kept = None if kept is None else kept & {relation for _, relation, _ in rows}
    config = KnowledgeGraph(
        min_entity_count=entity, min_relation_count=relation, keep_relations=None if kept is None else tuple(sorted(kept))
    )
    graph, _ = read(rows, links, config)
    found = named(graph)
    assert len(found) == len(set(found)) and set(found) == by_hand(rows, links, config)
    # Items have their ids, the others follow in the order of their tokens, as relations do, and only those are there that are in a triple.
    assert list(graph.others) == sorted({end for h, _, t in found for end in (h, t) if end[0] != "*"}, key=lambda t: (len(t.encode()), t))
    assert list(graph.relations) == sorted({relation for _, relation, _ in found}, key=lambda t: (len(t), t))
    ids = list(zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True))
    assert ids == sorted(ids)
    assert {f"*{token}" for token, told in zip(ITEMS, graph.told_of, strict=True) if told} == {e for h, _, t in found for e in (h, t)} & {
        f"*{token}" for token in ITEMS
    }


def test_an_entity_that_is_an_item_has_its_id() -> None:
    graph, _ = read([("e1", "r", "e2"), ("e2", "r", "e3"), ("e9", "s", "e1")], [("c", "e1"), ("a", "e3")])
    assert (graph.n_items, graph.n_entities, graph.n_relations) == (4, 6, 2)
    assert [graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist()] == [[2, 4, 5], [0, 0, 1], [4, 0, 2]]
    assert list(graph.others) == ["e2", "e9"] and graph.told_of.tolist() == [True, False, True, False]
    assert {array.dtype for array in (graph.head, graph.relation, graph.tail)} == {np.dtype(np.int32)}


def test_the_first_link_of_an_item_and_of_an_entity_counts_and_others_are_counted() -> None:
    links = [("later", "e1"), ("a", "e7"), ("a", "e1"), ("a", "e2"), ("b", "e1"), ("b", "e2"), ("c", "e2"), ("c", "e2")]
    graph, said = read([("e1", "r", "e2"), ("e2", "r", "e3")], links)
    assert named(graph) == [("*a", "r", "*b"), ("*b", "r", "e3")]
    left_out = (
        "1 of items that training does not know, 1 to entities without a triple, 1 second ones of an item, 3 second ones to an entity"
    )
    assert f"2 of 4 items are entities; of 8 links are left out: {left_out}" in said


def test_loops_and_triples_that_are_there_already_are_counted() -> None:
    graph, said = read([("x", "r", "y"), ("x", "r", "x"), ("x", "r", "y"), ("y", "r", "x"), ("z", "r", "z"), ("x", "r", "y")], [])
    assert named(graph) == [("x", "r", "y"), ("y", "r", "x")] and list(graph.others) == ["x", "y"]
    assert "6 triples of 3 entities and 1 relations" in said
    assert "2 triples of an entity with itself are left out" in said and "2 triples that are there already are left out" in said


def test_counts_act_on_each_other() -> None:
    """A rare entity makes another one rare, then a relation, and that others, down to the item's last triple."""
    rows = [("film", "by", "ann"), ("play", "by", "ann"), ("play", "in", "rome"), ("ann", "in", "oslo"), ("film", "in", "oslo")]
    graph, said = read(rows, [("a", "film")], KnowledgeGraph(min_entity_count=2))
    assert set(named(graph)) == {("*a", "by", "ann"), ("ann", "in", "oslo"), ("*a", "in", "oslo")}
    assert "entities in 2 or more triples are kept, 2 rounds: 2 triples, 2 entities left out" in said
    graph, said = read(rows, [("a", "film")], KnowledgeGraph(min_entity_count=2, min_relation_count=2))
    lost = "5 triples, 4 entities, 2 relations, 1 items with a triple left out"
    assert len(graph) == 0 and f"entities in 2 or more and relations in 2 or more triples are kept, 5 rounds: {lost}" in said


def test_each_relation_has_an_inverse_of_its_own() -> None:
    rows = [("e1", "r", "e2"), ("e2", "r", "e1"), ("e1", "s", "e3")]
    plain, _ = read(rows, [("b", "e1")])
    both, _ = read(rows, [("b", "e1")], KnowledgeGraph(inverse_relations=True))
    assert list(both.relations) == ["r", "s", "inverse of r", "inverse of s"] and both.inverse and not plain.inverse
    forward = set(zip(plain.head.tolist(), plain.relation.tolist(), plain.tail.tolist(), strict=True))
    found = list(zip(both.head.tolist(), both.relation.tolist(), both.tail.tolist(), strict=True))
    assert found == sorted(forward | {(t, r + 2, h) for h, r, t in forward}) and len(found) == 2 * len(plain)
    assert both.with_inverses() is both


def test_alike_tokens_of_items_and_entities_say_nothing() -> None:
    graph, said = read([("a", "r", "b")], None)
    assert named(graph) == [("a", "r", "b")] and not graph.told_of.any()
    assert "no table of links (NAME.link)" in said and "2 items have the token of an entity, which may mean nothing" in said
    assert "they tell of 0 of 4 items" in said


def test_a_relation_that_there_is_not_is_refused() -> None:
    rows = [("x", "film.actor", "y")]
    with pytest.raises(InputError, match=r"names 'film\.actr', which is no relation") as caught:
        read(rows, [], KnowledgeGraph(keep_relations=("film.actr",)))
    assert caught.value.hint == "did you mean film.actor?"
    with pytest.raises(InputError, match="names 'zzz'") as caught:
        read([*rows, *(("x", f"r{k}", "y") for k in range(30))], [], KnowledgeGraph(keep_relations=("zzz",)))
    assert (
        caught.value.hint is not None and caught.value.hint.startswith("the relations are r0, r1") and caught.value.hint.endswith(", ...")
    )


TRAIN = ["u1 a", "u1 b", "u2 b", "u3 c", "u2 c"]
GRAPH = ["e1 r x", "e2 r x", "e3 r y", "e3 s e9", "e9 s x", "e4 r y", "z r x"]
LINKED = ["d e1", "a e1", "b e2", "e e9", "c e3", "d e4"]
FRIENDS = ["u1 u2 2", "u9 u1 3", "u2 u9 1", "u8 u9 5", "u3 u1 4"]


def graphs(prepared: Prepared) -> list[Any]:
    """All that a dataset says of its graphs, as plain values, the report included."""
    assert prepared.triples is not None and prepared.social is not None
    values = [getattr(graph, field.name) for graph in (prepared.triples, prepared.social) for field in fields(graph)]
    plain = [
        value.tolist() if isinstance(value, np.ndarray) else list(value) if isinstance(value, Vocabulary) else value for value in values
    ]
    return [*plain, [str(entry) for entry in prepared.report if "graph" in entry.step]]


def test_nothing_of_a_later_part_enters(tmp_path: Path) -> None:
    """Items d, e and users u8, u9 are those of the test part alone; without it, or with another, the graphs are the same."""
    config = DataConfig.model_validate({"split": {"published_valid_ratio": 0}, "knowledge": {"min_entity_count": 2}})
    found = []
    for name, test in {"none": None, "one": ["u9 d", "u1 e", "u8 a"], "two": ["u9 e", "u2 a"]}.items():
        parts = {"train_inter": TRAIN} | ({} if test is None else {"test_inter": test})
        folder = write(tmp_path / name, **parts, kg=GRAPH, link=LINKED, net=FRIENDS)
        found.append(prepare(folder, config, tmp_path / "cache"))
    assert len({len(prepared.items.vocabulary) for prepared in found}) == 3 and {prepared.n_items for prepared in found} == {3}
    for one, other in itertools.pairwise(found):
        assert graphs(one) == graphs(other)
    # The link of d to e1 comes first in the file, and takes nothing from a, which training knows.
    assert found[1].triples is not None and found[1].triples.told_of.all()
    # That d is an item does not keep e4, which is in one triple, nor y.
    assert list(found[1].triples.others) == ["x", "e9"]


@pytest.mark.parametrize(
    ("tables", "settings", "words"),
    [
        ({"kg": ["e1 r e2", " r e2"]}, {}, r"w\.kg, line 3, column head_id: the head id is missing"),
        ({"kg": ["e1 r e2", "e1  e2"]}, {}, r"line 3, column relation_id: the relation id is missing"),
        ({"kg": ["e1 r e2", "e1 r nan"]}, {}, r"line 3, column tail_id: the tail id is nan"),
        ({"kg": ["e1 r e2"], "link": ["a e1", "b "]}, {}, r"w\.link, line 3, column entity_id: the entity id is missing"),
        ({"kg": []}, {}, r"w\.kg: no rows"),
        ({"kg": ["e1 r e2"], "link": []}, {}, r"w\.link: no rows"),
        ({}, {"min_entity_count": 2}, r"min_entity_count is about the table NAME\.kg, and there is none"),
        ({}, {"keep_relations": ["r"]}, r"keep_relations is about the table NAME\.kg, and there is none"),
    ],
)
def test_bad_input(tables: dict[str, list[str]], settings: dict[str, Any], words: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "w", inter=["u1 a", "u2 a", "u1 b"], **tables)
    with pytest.raises(InputError, match=words):
        prepare(folder, DataConfig.model_validate({"knowledge": settings}), tmp_path / "cache")


def test_links_without_a_graph_are_reported(tmp_path: Path) -> None:
    prepared = prepare(write(tmp_path / "w", inter=["u1 a", "u2 a"], link=["a e1"]), cache_dir=tmp_path / "cache")
    assert prepared.triples is None and "the table of links is not used" in str(prepared.report)


def test_a_log_without_items_has_a_graph_that_tells_of_none(tmp_path: Path) -> None:
    place = tmp_path / "w"
    write(place, kg=["e1 r e2"], link=["a e1"])
    (place / "w.inter").write_text("colour:token\tlabel:float\n" + "red\t1\nblue\t0\n" * 20)
    graph = prepare(place, cache_dir=tmp_path / "cache").triples
    assert graph is not None and graph.n_items == 0 and list(graph.others) == ["e1", "e2"]
