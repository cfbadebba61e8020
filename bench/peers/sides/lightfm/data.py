"""The case's arrays as LightFM takes them, and the lists of a fitted model."""

from __future__ import annotations

import numpy as np
from lightfm import LightFM
from scipy.sparse import coo_matrix
from stand import Stand, best_of


def matrix(stand: Stand) -> coo_matrix:
    """The training pairs: float32 COO, (users, items), ones."""
    user, item = stand.array("train_user").astype(np.int32), stand.array("train_item").astype(np.int32)
    return coo_matrix((np.ones(len(user), np.float32), (user, item)), shape=(stand.facts["users"], stand.facts["items"]))


def judged(stand: Stand, model: LightFM) -> dict[str, float]:
    """Quality of the lists of the users who are asked, from the vectors and biases that the model publishes."""
    asked = stand.asked()
    rows, items = stand.seen(asked)
    of_users, (biases, of_items) = model.get_user_representations()[1], model.get_item_representations()
    lists = np.empty((len(asked), 10), dtype=np.int64)
    for start in range(0, len(asked), 100):
        here = (rows >= start) & (rows < start + 100)
        scores = of_users[asked[start : start + 100]] @ of_items.T + biases
        lists[start : start + 100] = best_of(scores, (rows[here] - start, items[here]))
    return stand.judged(lists)
