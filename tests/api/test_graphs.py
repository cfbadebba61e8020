"""Graphs in figures, against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from turret.api.graphs import figures_of_links, figures_of_triples
from turret.data.beside import Social, Triples
from turret.data.vocabulary import Vocabulary


def ids(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def reachable(pairs: set[tuple[int, int]], start: int) -> set[int]:
    """The component of a node, found by walking."""
    found, todo = {start}, [start]
    while todo:
        node = todo.pop()
        new = {b for a, b in pairs if a == node} | {a for a, b in pairs if b == node}
        todo += new - found
        found |= new
    return found


def test_a_knowledge_graph() -> None:
    # Items 0 to 3, others 4 to 7; item 3 is in no triple, and 2 and 7 are apart from the rest.
    graph = Triples(
        ids(0, 0, 1, 2, 5), ids(0, 1, 1, 1, 2), ids(4, 5, 5, 7, 6), 4, Vocabulary.of(["w", "x", "y", "z"]), Vocabulary.of(["r", "s", "t"])
    )
    found = figures_of_triples(graph, frequent=2)
    assert (found.triples, found.entities, found.relations, found.items) == (5, 7, 3, 3)
    assert found.share_of_items == 3 / 4 and found.triples_an_item == pytest.approx(4 / 3) and found.connected == pytest.approx(5 / 7)
    assert dict(found.frequent) == {"s": 3, "r": 1} and list(found.frequent) == ["s", "r"]


def test_a_graph_of_nothing() -> None:
    found = figures_of_triples(Triples(ids(), ids(), ids(), 3, Vocabulary.of([]), Vocabulary.of([])))
    assert (found.triples, found.entities, found.items, found.triples_an_item, found.connected, dict(found.frequent)) == (0, 0, 0, 0, 0, {})
    links = figures_of_links(Social(ids(), ids()), 0)
    assert (links.links, links.users, links.mean_degree, links.max_degree, links.reciprocity, links.connected) == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_links_of_a_random_graph(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pairs = {(int(a), int(b)) for a, b in generator.integers(0, 30, (25, 2)) if a != b}
    source, target = ids(*(a for a, _ in sorted(pairs))), ids(*(b for _, b in sorted(pairs)))
    found = figures_of_links(Social(source, target), 30)
    linked = {node for pair in pairs for node in pair}
    out = [sum(a == user for a, _ in pairs) for user in range(30)]
    assert (found.links, found.users, found.max_degree) == (len(pairs), len(linked), max(out))
    assert found.share_of_users == len(linked) / 30 and found.mean_degree == pytest.approx(sum(out) / len(linked))
    assert found.reciprocity == pytest.approx(sum((b, a) in pairs for a, b in pairs) / len(pairs))
    assert found.connected == pytest.approx(max(len(reachable(pairs, user)) for user in linked) / len(linked))
