from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.graphs.edges import Edges, both_ways, distinct, with_loops
from turret.graphs.propagation import Propagation

shapes = st.tuples(st.integers(1, 8), st.integers(1, 8))
PLENTY = settings(deadline=None, max_examples=40)


def random_edges(shape: tuple[int, int], n: int, seed: int) -> Edges:
    """In no order, so that the sorting has something to do."""
    generator = np.random.default_rng(seed)
    rows, columns = distinct(generator.integers(0, shape[0], n), generator.integers(0, shape[1], n), shape[1])
    order = generator.permutation(len(rows))
    return Edges(rows[order], columns[order], shape)


def random_mask(edges: Edges, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed + 1).random(len(edges)) < 0.6)


def pairs(edges: Edges, kept: torch.Tensor | None) -> list[tuple[int, int]]:
    keeps = [True] * len(edges) if kept is None else kept.tolist()
    return [pair for pair, keep in zip(zip(edges.rows.tolist(), edges.columns.tolist(), strict=True), keeps, strict=True) if keep]


def assert_is(propagation: Propagation, matrix: np.ndarray) -> None:
    """Both products, and the gradients of both."""
    assert propagation.shape == matrix.shape
    reference = torch.from_numpy(matrix)
    generator = torch.Generator().manual_seed(0)
    for product, dense in ((propagation, reference), (propagation.transposed, reference.T)):
        x = torch.randn(dense.shape[1], 3, generator=generator, dtype=torch.float64, requires_grad=True)
        upstream = torch.randn(dense.shape[0], 3, generator=generator, dtype=torch.float64)
        torch.testing.assert_close(product(x), dense @ x, rtol=1e-6, atol=1e-6)
        (gradient,) = torch.autograd.grad((product(x) * upstream).sum(), x)
        torch.testing.assert_close(gradient, dense.T @ upstream, rtol=1e-6, atol=1e-6)


@given(shape=shapes, n=st.integers(0, 40), seed=st.integers(0, 2**16), some=st.booleans())
@PLENTY
def test_normalisations_of_all_edges_and_of_some_are_those_of_a_loop(shape: tuple[int, int], n: int, seed: int, some: bool) -> None:
    edges = random_edges(shape, n, seed)
    kept = random_mask(edges, seed) if some else None
    there = pairs(edges, kept)
    symmetric, walk = np.zeros(shape), np.zeros(shape)
    for row, column in there:
        of_row, of_column = sum(r == row for r, _ in there), sum(c == column for _, c in there)
        symmetric[row, column] = 1 / np.sqrt(of_row * of_column)
        walk[row, column] = 1 / of_row
    assert_is(edges.symmetric(kept), symmetric)
    assert_is(edges.random_walk(kept), walk)


@given(shape=shapes, n=st.integers(0, 40), seed=st.integers(0, 2**16))
@PLENTY
def test_a_propagation_over_some_edges_is_the_one_that_sorts_them_anew(shape: tuple[int, int], n: int, seed: int) -> None:
    edges = random_edges(shape, n, seed)
    kept = random_mask(edges, seed)
    anew = Edges(edges.rows[kept].numpy(), edges.columns[kept].numpy(), shape).symmetric()
    masked = edges.symmetric(kept)
    assert all(torch.equal(one, other) for one, other in zip(masked.buffers(), anew.buffers(), strict=True))


def test_values_are_in_the_order_of_the_rows() -> None:
    edges = Edges(np.array([2, 0, 2, 1]), np.array([1, 2, 0, 2]), (3, 3))
    values = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert (edges.rows.tolist(), edges.columns.tolist()) == ([0, 1, 2, 2], [2, 2, 0, 1])
    assert_is(edges.weighted(values), np.array([[0, 0, 1.0], [0, 0, 2.0], [3.0, 4.0, 0]]))
    assert_is(edges.weighted(values, values != 3), np.array([[0, 0, 1.0], [0, 0, 2.0], [0, 4.0, 0]]))


def test_an_undirected_graph_has_every_edge_both_ways_and_loops_are_added_once() -> None:
    rows, columns = both_ways(np.array([0, 1, 0, 2]), np.array([1, 0, 1, 2]), 4)
    assert list(zip(rows, columns, strict=True)) == [(0, 1), (1, 0), (2, 2)]
    assert list(zip(*with_loops(rows, columns, 4), strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (3, 3)]


@given(n=st.integers(0, 20), nodes=st.integers(1, 7), seed=st.integers(0, 2**16))
@PLENTY
def test_a_square_graph_with_loops_is_a_plus_i_normalised(n: int, nodes: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    heads, tails = generator.integers(0, nodes, n), generator.integers(0, nodes, n)
    adjacency = np.zeros((nodes, nodes))
    adjacency[heads, tails] = adjacency[tails, heads] = 1
    adjacency[np.arange(nodes), np.arange(nodes)] = 1
    root = 1 / np.sqrt(adjacency.sum(axis=1))
    graph = Edges(*with_loops(*both_ways(heads, tails, nodes), nodes), (nodes, nodes))
    assert_is(graph.symmetric(), root[:, None] * adjacency * root)
    assert_is(graph.random_walk(), adjacency / adjacency.sum(axis=1, keepdims=True))


def test_edges_move_with_the_model_but_are_not_saved() -> None:
    edges = random_edges((4, 3), 9, seed=1)
    assert edges.state_dict() == {}
    assert edges.to("meta").rows.device.type == "meta"


def test_more_edges_than_32_bits_can_number_are_refused() -> None:
    empty = np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="32-bit"):
        Edges(empty, empty, (2**31, 1))
