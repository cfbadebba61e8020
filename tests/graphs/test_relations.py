from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.graphs.relations import TypedEdges, collaborative_knowledge_graph


def triples_of(edges: TypedEdges) -> list[tuple[int, int, int]]:
    return list(zip(edges.heads.tolist(), edges.relations.tolist(), edges.tails.tolist(), strict=True))


@given(n=st.integers(0, 30), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=40)
def test_edges_are_the_distinct_triples_by_head(n: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    heads, relations, tails = generator.integers(0, 5, n), generator.integers(0, 2, n), generator.integers(0, 5, n)
    edges = TypedEdges(heads, relations, tails, 6, 2)
    assert triples_of(edges) == sorted(set(zip(heads.tolist(), relations.tolist(), tails.tolist(), strict=True)))
    assert len(edges.offsets) == 7
    for node in range(6):
        assert (edges.heads[edges.offsets[node] : edges.offsets[node + 1]] == node).all()
    assert edges.offsets[-1] == len(edges)


@given(choices=st.integers(0, 12), n=st.integers(0, 15), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=40)
def test_the_joint_graph_has_every_edge_and_its_inverse(choices: int, n: int, seed: int) -> None:
    n_users, n_items, n_entities, n_relations = 4, 3, 7, 2
    generator = np.random.default_rng(seed)
    users, items = generator.integers(0, n_users, choices), generator.integers(0, n_items, choices)
    heads, tails = generator.integers(0, n_entities, n), generator.integers(0, n_entities, n)
    relations = generator.integers(0, n_relations, n)
    edges = collaborative_knowledge_graph(
        users.astype(np.int32), items.astype(np.int32), heads, relations, tails, n_users, n_entities, n_relations
    )
    expected = set()
    for user, item in zip(users.tolist(), items.tolist(), strict=True):
        expected |= {(user, 2, n_users + item), (n_users + item, 5, user)}
    for head, relation, tail in zip(heads.tolist(), relations.tolist(), tails.tolist(), strict=True):
        expected |= {(n_users + head, relation, n_users + tail), (n_users + tail, relation + 3, n_users + head)}
    assert triples_of(edges) == sorted(expected)
    assert (edges.n_nodes, edges.n_relations) == (11, 6)


def test_attention_over_neighbourhoods_is_that_of_a_loop() -> None:
    """KGAT's equations 3 to 5 in small: the softmax over a head's edges weighs its tails."""
    generator = np.random.default_rng(3)
    edges = TypedEdges(generator.integers(0, 5, 14), generator.integers(0, 2, 14), generator.integers(0, 6, 14), 6, 2)
    scores = torch.from_numpy(generator.standard_normal(len(edges))).requires_grad_()
    vectors = torch.from_numpy(generator.standard_normal((6, 4))).requires_grad_()
    found = edges.aggregation.sums(edges.segments.softmax(scores), vectors)
    for node in range(6):
        inside = slice(int(edges.offsets[node]), int(edges.offsets[node + 1]))
        expected = scores[inside].softmax(dim=0) @ vectors[edges.tails[inside]]
        torch.testing.assert_close(found[node], expected)
    assert torch.autograd.gradcheck(lambda s, v: edges.aggregation.sums(edges.segments.softmax(s), v), (scores, vectors))


@pytest.mark.parametrize("wrong", [(5, 0, 0), (0, 2, 0), (0, 0, 5), (-1, 0, 0)])
def test_an_id_from_outside_is_refused(wrong: tuple[int, int, int]) -> None:
    heads, relations, tails = (np.array([0, value]) for value in wrong)
    with pytest.raises(ValueError, match="outside"):
        TypedEdges(heads, relations, tails, 5, 2)
