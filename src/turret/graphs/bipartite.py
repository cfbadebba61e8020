"""The graph of users and items that interactions make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor

from turret.core.interactions import Interactions
from turret.graphs.edges import Edges, distinct
from turret.graphs.propagation import Propagation

Layer = tuple[Tensor, Tensor]
"""float [U, D] users and [I, D] items, after so many propagations."""


def bipartite(interactions: Interactions) -> Edges:
    """The user-item block of the graph, [U, I]: a pair that occurs several times is one edge."""
    users, items = distinct(interactions.user, interactions.item, interactions.n_items)
    return Edges(users, items, (interactions.n_users, interactions.n_items))


def normalised_bipartite(interactions: Interactions) -> Propagation:
    """The user-item block of the symmetrically normalised adjacency matrix, [U, I].

    With A = [[0, R], [R^T, 0]] and D its degrees, D^-1/2 A D^-1/2 has the blocks S and S^T, S_ui = R_ui / sqrt(|N_u| |N_i|). To propagate
    over the whole graph is to give users `S(items)` and items `S.transposed(users)`; the square matrix need not exist.

    R is 0 or 1: a pair that occurs several times is one edge. A user or an item without edges has zeros.
    """
    return bipartite(interactions).symmetric()


def propagated(graphs: Iterable[Propagation], users: Tensor, items: Tensor) -> list[Layer]:
    """Layers 0..K: the vectors as they are, and as each of K graphs in turn gives them to the neighbours.

    Args:
        graphs: user-item blocks [U, I], one a layer.
        users: float [U, D].
        items: float [I, D].
    """
    layers = [(users, items)]
    for graph in graphs:
        users, items = layers[-1]
        layers.append((graph(items), graph.transposed(users)))
    return layers


def mean_of(layers: Sequence[Layer]) -> Layer:
    """Users and items, each the mean over some layers."""
    users, items = layers[0]
    for more_users, more_items in layers[1:]:
        users, items = users + more_users, items + more_items
    return users * (1 / len(layers)), items * (1 / len(layers))
