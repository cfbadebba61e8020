"""The case's arrays as implicit takes them, and the lists of a fitted model."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from stand import Stand


def matrix(stand: Stand) -> csr_matrix:
    """The training pairs: float32 CSR, (users, items), ones."""
    user, item = stand.array("train_user"), stand.array("train_item")
    pairs = csr_matrix((np.ones(len(user), np.float32), (user, item)), shape=(stand.facts["users"], stand.facts["items"]))
    pairs.sort_indices()
    return pairs


def lists(stand: Stand, model: Any, pairs: csr_matrix, **options: Any) -> np.ndarray:
    """The lists that the model's `recommend` makes for the users who are asked, 200 at a time: (users, 10)."""
    asked = stand.asked()
    blocks = [asked[start : start + 200] for start in range(0, len(asked), 200)]
    return np.concatenate([model.recommend(block, pairs[block], N=10, **options)[0] for block in blocks])


def judged(stand: Stand, model: Any, pairs: csr_matrix, **options: Any) -> dict[str, float]:
    """Their quality."""
    return stand.judged(lists(stand, model, pairs, **options))
