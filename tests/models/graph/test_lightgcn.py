from __future__ import annotations

import numpy as np
import pytest
import torch

from turret.core.context import Context
from turret.core.interactions import Interactions
from turret.graphs.bipartite import normalised_bipartite
from turret.models.graph.lightgcn import LightGCN
from turret.scorers.dot import Dot

N_USERS, N_ITEMS = 12, 9


@pytest.fixture
def interactions() -> Interactions:
    """A connected graph: every user has item 0, every item user 0, and some more."""
    generator = np.random.default_rng(0)
    pairs = {(user, 0) for user in range(N_USERS)} | {(0, item) for item in range(N_ITEMS)}
    pairs |= {
        (int(user), int(item)) for user, item in zip(generator.integers(0, N_USERS, 30), generator.integers(0, N_ITEMS, 30), strict=True)
    }
    user, item = np.array(sorted(pairs)).T
    return Interactions(user, item, N_USERS, N_ITEMS)


def dense_average(interactions: Interactions, layers: int) -> torch.Tensor:
    """float64 [U + I, U + I]: (1 + A + ... + A^K) / (K + 1) of the square normalised adjacency matrix."""
    binary = torch.zeros(N_USERS, N_ITEMS, dtype=torch.float64)
    binary[torch.from_numpy(interactions.user), torch.from_numpy(interactions.item)] = 1
    adjacency = torch.zeros(N_USERS + N_ITEMS, N_USERS + N_ITEMS, dtype=torch.float64)
    adjacency[:N_USERS, N_USERS:], adjacency[N_USERS:, :N_USERS] = binary, binary.T
    root = adjacency.sum(dim=1).rsqrt()
    normalised = root[:, None] * adjacency * root
    return sum(torch.linalg.matrix_power(normalised, layer) for layer in range(layers + 1)) / (layers + 1)  # type: ignore[return-value]


@pytest.mark.parametrize("layers", [0, 1, 2, 3, 5])
def test_vectors_and_gradients_are_those_of_the_dense_square_matrix(interactions: Interactions, layers: int) -> None:
    torch.manual_seed(0)
    model = LightGCN(normalised_bipartite(interactions), embed_dim=8, layers=layers, scorer=Dot()).double()
    encoded = model.encode()
    assert encoded.users is not None
    start = torch.cat([model.users.weight, model.items.weight]).detach().requires_grad_()
    reference = dense_average(interactions, layers) @ start
    torch.testing.assert_close(torch.cat([encoded.users.dense(), encoded.items.dense()]), reference, rtol=1e-6, atol=1e-7)

    upstream = torch.randn(reference.shape, dtype=torch.float64)
    (reference * upstream).sum().backward()
    ((encoded.users.dense() * upstream[:N_USERS]).sum() + (encoded.items.dense() * upstream[N_USERS:]).sum()).backward()
    assert start.grad is not None
    torch.testing.assert_close(model.users.weight.grad, start.grad[:N_USERS], rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(model.items.weight.grad, start.grad[N_USERS:], rtol=1e-6, atol=1e-7)


def test_what_is_proportional_to_the_root_of_the_degree_is_left_as_it_is(interactions: Interactions) -> None:
    """The eigenvector of eigenvalue 1 of every normalised adjacency matrix."""
    model = LightGCN(normalised_bipartite(interactions), embed_dim=1, layers=4, scorer=Dot())
    user_root = torch.from_numpy(np.sqrt(np.bincount(interactions.user))).float()[:, None]
    item_root = torch.from_numpy(np.sqrt(np.bincount(interactions.item))).float()[:, None]
    with torch.no_grad():
        model.users.weight.copy_(user_root)
        model.items.weight.copy_(item_root)
    encoded = model.encode()
    assert encoded.users is not None
    torch.testing.assert_close(encoded.users.dense(), user_root)
    torch.testing.assert_close(encoded.items.dense(), item_root)


def test_the_l2_term_reaches_layer_0_not_the_smoothed_vectors(interactions: Interactions) -> None:
    model = LightGCN(normalised_bipartite(interactions), embed_dim=8, layers=2, scorer=Dot())
    encoded = model.encode()
    ids = torch.tensor([3, 1])
    assert encoded.users is not None
    torch.testing.assert_close(encoded.users.free(ids), model.users.weight[ids])
    torch.testing.assert_close(encoded.items.free(ids), model.items.weight[ids])
    assert not torch.equal(encoded.items[ids], model.items.weight[ids])


def test_the_query_is_the_smoothed_user(interactions: Interactions) -> None:
    model = LightGCN(normalised_bipartite(interactions), embed_dim=8, layers=2, scorer=Dot())
    encoded = model.encode()
    assert encoded.users is not None
    users = torch.tensor([5, 0])
    torch.testing.assert_close(model.query(Context(users=users), encoded).vector, encoded.users.dense()[users])
