"""Batches of true and false triples, and such beside pairs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from turret.batches.pairs import Pairs
from turret.batches.triples import FactBatches, PairsWithFacts
from turret.core.interactions import Interactions

N_ENTITIES = 6
GRAPH = [(0, 0, 4), (0, 0, 5), (0, 1, 3), (1, 0, 4), (2, 1, 3), (2, 2, 0), (3, 0, 5), (5, 1, 3)]


def batches(graph: list[tuple[int, int, int]] = GRAPH, **settings: Any) -> FactBatches:
    heads, relations, tails = (np.array(column, np.int32) for column in zip(*graph, strict=True))
    return FactBatches(heads, relations, tails, N_ENTITIES, **{"batch_size": 3, **settings})


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(facts: Any) -> list[list[tuple[int, int, int]]]:
    """Each true triple and the false ones beside it."""
    heads = facts.heads.expand(facts.tails.shape)
    relations = facts.relations.expand(facts.tails.shape)
    return torch.stack([heads, relations, facts.tails], dim=2).tolist()


def test_every_triple_once_an_epoch() -> None:
    facts = batches()
    epoch = list(facts.epoch(generator()))
    assert [len(batch) for batch in epoch] == [3, 3, 2]
    assert facts.steps() == 3
    assert sorted(tuple(row[0]) for batch in epoch for row in rows(batch)) == sorted(GRAPH)
    other = [tuple(row[0]) for batch in facts.epoch(generator(1)) for row in rows(batch)]
    assert other != [tuple(row[0]) for batch in epoch for row in rows(batch)]


@pytest.mark.parametrize("replaced", ["tail", "either", "bernoulli"])
def test_false_triples_are_false_and_differ_at_one_end(replaced: Any) -> None:
    facts, ends = batches(replaced=replaced, negatives=40), Counter[str]()
    for batch in facts.epoch(generator()):
        assert batch.heads.shape[1] == (1 if replaced == "tail" else 41)
        assert batch.mask is None
        for true, *false in rows(batch):
            for triple in false:
                assert tuple(triple) not in GRAPH
                differing = [name for name, one, other in zip("hrt", true, triple, strict=True) if one != other]
                assert len(differing) == 1
                ends.update(differing)
    assert set(ends) == ({"t"} if replaced == "tail" else {"h", "t"})


def test_all_that_would_be_false_are_drawn_alike() -> None:
    drawn: dict[tuple[int, int, int], Counter[int]] = {triple: Counter() for triple in GRAPH}
    for batch in batches(negatives=6000).epoch(generator()):
        for true, *false in rows(batch):
            drawn[tuple(true)].update(tail for _, _, tail in false)
    for (head, relation, _), counts in drawn.items():
        possible = {tail for tail in range(N_ENTITIES) if (head, relation, tail) not in GRAPH}
        assert set(counts) == possible
        assert all(count == pytest.approx(6000 / len(possible), rel=0.1) for count in counts.values())


@pytest.mark.parametrize("replaced", ["tail", "either"])
def test_where_every_tail_is_true_none_counts(replaced: Any) -> None:
    graph = [(0, 0, tail) for tail in range(N_ENTITIES)] + [(1, 0, 2)]
    for batch in batches(graph, batch_size=7, negatives=50, replaced=replaced).epoch(generator()):
        assert batch.mask is not None
        for (true, *false), mask in zip(rows(batch), batch.mask.tolist(), strict=True):
            for triple, counts in zip(false, mask, strict=True):
                assert 0 <= triple[2] < N_ENTITIES
                if counts:
                    assert tuple(triple) not in graph
                else:
                    assert true[0] == triple[0] == 0
            assert any(mask) == (true[0] == 1 or replaced == "either")


def test_heads_are_replaced_as_often_as_the_relation_says() -> None:
    """One tail for two heads, and two tails for one head."""
    graph = [(0, 0, 4), (1, 0, 4), (2, 1, 3), (2, 1, 5)]
    share: dict[int, list[float]] = {0: [], 1: []}
    for batch in batches(graph, negatives=4000, replaced="bernoulli").epoch(generator()):
        for true, *false in rows(batch):
            share[true[1]].append(float(np.mean([triple[0] != true[0] for triple in false])))
    assert np.mean(share[0]) == pytest.approx(1 / (1 + 2), abs=0.03)
    assert np.mean(share[1]) == pytest.approx(2 / (2 + 1), abs=0.03)


def test_rounds_go_on_until_all_have_come() -> None:
    facts = batches()
    seen = [tuple(row[0]) for batch in facts.rounds(6, generator()) for row in rows(batch)]
    assert len(seen) == 18
    assert sorted(seen[:8]) == sorted(seen[8:16]) == sorted(GRAPH)
    assert list(facts.rounds(0, generator())) == []


def test_beside_pairs() -> None:
    user, item = np.array([0, 0, 1, 2, 2], np.int32), np.array([1, 2, 0, 2, 0], np.int32)
    pairs = Pairs(Interactions(user, item, 3, 3), batch_size=2)
    both = PairsWithFacts(pairs, batches(batch_size=7))
    drawing = generator()
    epoch = both.epoch(drawing)
    found = [next(epoch)]
    state = drawing.get_state()
    found += list(epoch)
    assert torch.equal(drawing.get_state(), state)  # all is drawn at the beginning, so that a step may draw what it wants
    assert len(found) == both.steps() == 3
    chosen = [pair for batch in found for pair in zip(batch.context.users.tolist(), batch.target.tolist(), strict=True)]
    assert sorted(chosen) == sorted(zip(user.tolist(), item.tolist(), strict=True))
    assert [len(batch.facts) for batch in found] == [7, 7, 7]
    for batch in found:
        assert torch.equal(torch.from_numpy(user)[batch.places], batch.context.users.int())
