from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.interactions import Interactions
from turret.graphs.bipartite import normalised_bipartite
from turret.graphs.propagation import from_entries

shapes = st.tuples(st.integers(1, 8), st.integers(1, 8))


def random_entries(shape: tuple[int, int], n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, shape[0], n), generator.integers(0, shape[1], n), generator.standard_normal(n)


def dense(shape: tuple[int, int], rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> torch.Tensor:
    matrix = np.zeros(shape)
    np.add.at(matrix, (rows, columns), values.astype(np.float32).astype(np.float64))
    return torch.from_numpy(matrix)


@given(shape=shapes, n=st.integers(0, 40), width=st.integers(1, 5), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=40)
def test_products_and_gradients_are_those_of_the_dense_matrix(shape: tuple[int, int], n: int, width: int, seed: int) -> None:
    entries = random_entries(shape, n, seed)
    sparse, matrix = from_entries(*entries, shape), dense(shape, *entries)
    generator = torch.Generator().manual_seed(seed)
    for product, reference in ((sparse, matrix), (sparse.transposed, matrix.T)):
        x = torch.randn(reference.shape[1], width, generator=generator, dtype=torch.float64, requires_grad=True)
        upstream = torch.randn(reference.shape[0], width, generator=generator, dtype=torch.float64)
        (gradient,) = torch.autograd.grad((product(x) * upstream).sum(), x)
        torch.testing.assert_close(product(x), reference @ x)
        torch.testing.assert_close(gradient, reference.T @ upstream)


def test_second_derivatives_are_right_too() -> None:
    sparse = from_entries(*random_entries((4, 3), 9, seed=1), (4, 3))
    x = torch.randn(3, 2, dtype=torch.float64, requires_grad=True, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradgradcheck(lambda x: sparse(x).square(), (x,))


def test_float32_stays_float32() -> None:
    sparse = from_entries(*random_entries((4, 3), 9, seed=1), (4, 3))
    assert sparse(torch.ones(3, 2)).dtype == torch.float32


def test_the_graph_moves_with_the_model_but_is_not_saved() -> None:
    sparse = from_entries(*random_entries((4, 3), 9, seed=1), (4, 3))
    assert sparse.state_dict() == {}
    assert sparse.to("meta")(torch.ones(3, 2, device="meta")).device.type == "meta"


def test_more_rows_than_32_bits_can_number_are_refused() -> None:
    empty = np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="32-bit"):
        from_entries(empty, empty, np.zeros(0), (2**31, 1))


@given(n=st.integers(0, 60), n_users=st.integers(1, 7), n_items=st.integers(1, 9), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=40)
def test_the_bipartite_block_is_that_of_the_normalised_square_matrix(n: int, n_users: int, n_items: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    users, items = np.sort(generator.integers(0, n_users, n)), generator.integers(0, n_items, n)
    binary = np.zeros((n_users, n_items))
    binary[users, items] = 1
    adjacency = np.block([[np.zeros((n_users, n_users)), binary], [binary.T, np.zeros((n_items, n_items))]])
    degree = adjacency.sum(axis=1)
    inverse_root = np.divide(1, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    block = (inverse_root[:, None] * adjacency * inverse_root)[:n_users, n_users:]

    graph = normalised_bipartite(Interactions(users, items, n_users, n_items))

    np.testing.assert_allclose(graph(torch.eye(n_items)).numpy(), block, rtol=1e-6)
    np.testing.assert_allclose(graph.transposed(torch.eye(n_users)).numpy(), block.T, rtol=1e-6)
