"""The graph of users and items that interactions make."""

from __future__ import annotations

import numpy as np

from turret.core.interactions import Interactions
from turret.graphs.propagation import Propagation


def normalised_bipartite(interactions: Interactions) -> Propagation:
    """The user-item block of the symmetrically normalised adjacency matrix, [U, I].

    With A = [[0, R], [R^T, 0]] and D its degrees, D^-1/2 A D^-1/2 has the blocks S and S^T, S_ui = R_ui / sqrt(|N_u| |N_i|). To propagate
    over the whole graph is to give users `S(items)` and items `S.transposed(users)`; the square matrix need not exist.

    R is 0 or 1: a pair that occurs several times is one edge. A user or an item without edges has zeros.
    """
    edges = np.unique(interactions.user.astype(np.int64) * interactions.n_items + interactions.item)
    users, items = edges // interactions.n_items, edges % interactions.n_items
    user_degree = np.bincount(users, minlength=interactions.n_users)
    item_degree = np.bincount(items, minlength=interactions.n_items)
    values = 1 / np.sqrt(user_degree[users].astype(np.float64) * item_degree[items])
    return Propagation(users, items, values, (interactions.n_users, interactions.n_items))
