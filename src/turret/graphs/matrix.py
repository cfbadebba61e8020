"""The interaction matrix of the papers: X [U, I], a row a user, stored sparse.

Training builds it from a log and a request from histories, in the same way, so that a model asked about the training histories sees the
very rows that it learned from.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array

from turret.core.context import History
from turret.core.interactions import FloatArray, IntArray, Interactions


def interaction_matrix(interactions: Interactions) -> csr_array:
    """X of a log: float32 CSR [n_users, n_items], items ascending in each row; an entry is the sum of the weights of its rows in the log,
    1 each where they have none."""
    return _matrix(interactions.user, interactions.item, interactions.weight, (interactions.n_users, interactions.n_items))


def history_matrix(history: History, n_items: int) -> csr_array:
    """X of B histories: float32 CSR [B, n_items]. Padding and items that training never saw (ids from `n_items` on) leave no trace."""
    known = (history.mask & (history.items < n_items)).cpu().numpy()
    weights = None if history.weights is None else history.weights.cpu().numpy()[known]
    return _matrix(known.nonzero()[0], history.items.cpu().numpy()[known], weights, (len(known), n_items))


def _matrix(rows: IntArray, items: IntArray, weights: FloatArray | None, shape: tuple[int, int]) -> csr_array:
    values: npt.NDArray[np.float32] = np.ones(len(rows), dtype=np.float32) if weights is None else weights.astype(np.float32)
    matrix = csr_array(coo_array((values, (rows, items)), shape=shape))
    matrix.sum_duplicates()
    return matrix
