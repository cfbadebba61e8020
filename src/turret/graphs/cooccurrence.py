"""The graph of items that the same users chose, each item's strongest neighbours alone."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from turret.core.interactions import Interactions
from turret.graphs.edges import distinct

BLOCK = 1 << 8
"""Items whose rows of the co-occurrence matrix exist at a time."""


def item_graph(interactions: Interactions, count: int) -> tuple[Tensor, Tensor]:
    """The K items with the largest omega_ij of each item i, the item itself left out.

    omega_ij = G_ij / (g_i - G_ii) * sqrt(g_i / g_j),    G = A^T A the co-occurrences,    g_i = sum over k of G_ik

    K. Mao, J. Zhu, X. Xiao, B. Lu, Z. Wang, X. He. "UltraGCN: Ultra Simplification of Graph Convolutional Networks for Recommendation."
    CIKM 2021, section 3.2. A is 0 or 1; of equal weights the smaller id counts as the larger one.

    Args:
        interactions: the training part, over I items.
        count: K.

    Returns:
        int64 [I, K] ids, float32 [I, K] omega, the largest first. Where an item has fewer neighbours, itself with weight 0.
    """
    n_items = interactions.n_items
    users, items = distinct(interactions.user, interactions.item, n_items)
    a = csr_array((np.ones(len(users)), (users, items)), shape=(interactions.n_users, n_items))
    transposed = a.T.tocsr()
    total = transposed @ (a @ np.ones(n_items))  # g
    elsewhere = total - transposed.sum(axis=1)
    ids, weights = np.tile(np.arange(n_items)[:, None], (1, count)), np.zeros((n_items, count))
    for start in range(0, n_items, BLOCK):
        together = (transposed[start : start + BLOCK] @ a).tocoo()
        rows, columns = (part.astype(np.int64) for part in together.coords)
        rows += start
        others = rows != columns
        rows, columns, both = rows[others], columns[others], together.data[others]
        omega = both / elsewhere[rows] * np.sqrt(total[rows] / total[columns])
        order = np.lexsort((columns, -omega, rows))
        rows, columns, omega = rows[order], columns[order], omega[order]
        place = np.arange(len(rows)) - np.searchsorted(rows, rows)
        few = place < count
        ids[rows[few], place[few]], weights[rows[few], place[few]] = columns[few], omega[few]
    return torch.from_numpy(ids), torch.from_numpy(weights.astype(np.float32))
