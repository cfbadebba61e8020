"""Models of graphs refuse datasets without them, in words that say which file is missing, or what became of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from turret.batches.needs import needs_social, needs_triples
from turret.core.errors import InputError
from turret.data import Prepared, from_arrays
from turret.data.beside import Social, Triples
from turret.data.vocabulary import Vocabulary

IDS = np.array([0, 1], dtype=np.int32)
NONE = np.zeros(0, dtype=np.int32)


@pytest.fixture
def plain() -> Prepared:
    return from_arrays(["u", "u", "v", "v"], ["a", "b", "a", "b"], name="shop")


def graph(head: int, tail: int) -> Triples:
    ends = (np.array([end], dtype=np.int32) for end in (head, 0, tail))
    return Triples(*ends, n_items=2, others=Vocabulary.of(["x", "y"]), relations=Vocabulary.of(["r"]))


def test_what_is_there_is_given(plain: Prepared) -> None:
    triples, links = graph(1, 2), Social(IDS, IDS[::-1])
    dataset = replace(plain, triples=triples, social=links)
    assert needs_triples(dataset, "KGAT") is triples and needs_social(dataset, "DiffNet") is links


def test_the_missing_file_is_named(plain: Prepared) -> None:
    with pytest.raises(InputError, match="KGAT reads a knowledge graph, and shop has none") as caught:
        needs_triples(plain, "KGAT")
    assert "shop.kg" in str(caught.value.hint) and "shop.link" in str(caught.value.hint)
    with pytest.raises(InputError, match="DiffNet reads links between users, and shop has none") as caught:
        needs_social(plain, "DiffNet")
    assert "shop.net" in str(caught.value.hint)


def test_what_became_of_a_graph_that_links_nothing_is_said(plain: Prepared) -> None:
    dataset = replace(plain, triples=graph(2, 3), social=Social(NONE, NONE))
    dataset.report.add("knowledge graph", "there is no table of links (NAME.link)")
    dataset.report.add("social graph", "7 links of users that training does not know are left out")
    with pytest.raises(InputError, match="shop tells of no item") as caught:
        needs_triples(dataset, "KGAT")
    assert caught.value.hint == "knowledge graph: there is no table of links (NAME.link)"
    with pytest.raises(InputError, match="shop has none between users that training saw") as caught:
        needs_social(dataset, "DiffNet")
    assert caught.value.hint == "social graph: 7 links of users that training does not know are left out"
