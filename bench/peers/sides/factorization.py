"""The objective of weighted matrix factorization, for all who minimise it."""

from __future__ import annotations

import numpy as np


def explained(user: np.ndarray, item: np.ndarray, users: np.ndarray, items: np.ndarray, alpha: float, regularization: float) -> float:
    """What vectors explain: 1 less the objective that they reach, as a share of what vectors of zeros reach. Higher is better.

    The objective is the sum over all users and items of c (p - <x, y>)^2, with p = 1 and c = 1 + alpha for the pairs and p = 0, c = 1
    elsewhere, and regularization times the squared lengths of all vectors.

    Args:
        user, item: of int, (pairs,).
        users: of float32, (users, width).
        items: of float32, (items, width).
        alpha: how much more a pair is trusted.
        regularization: lambda.
    """
    wide_users, wide_items = users.astype(np.float64), items.astype(np.float64)
    total = float(np.sum((wide_users.T @ wide_users) * (wide_items.T @ wide_items)))
    total += regularization * float(np.square(wide_users).sum() + np.square(wide_items).sum())
    for start in range(0, len(user), 1 << 18):
        rows = slice(start, start + (1 << 18))
        score = np.einsum("nd,nd->n", users[user[rows]], items[item[rows]]).astype(np.float64)
        total += float(((1 + alpha) * np.square(1 - score) - np.square(score)).sum())
    return 1 - total / ((1 + alpha) * len(user))
