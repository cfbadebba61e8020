"""Full ranking by RecTools' ranker and its metrics."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from rectools import Columns
from rectools.metrics import NDCG, Recall, calc_metrics
from rectools.models.rank import Distance, ImplicitRanker
from scipy.sparse import csr_matrix
from stand import Stand

WARMING = 16
"""Users with whom everything is done once before it is measured, which compiles and loads what is needed."""


def measures(ranker: ImplicitRanker, users: np.ndarray, seen: csr_matrix, wanted: pd.DataFrame, length: int) -> dict[str, float]:
    """Recall and NDCG of the best items of users, who have the rows `seen` of training and the rows `wanted` to find."""
    user, item, _ = ranker.rank(users, k=length, filter_pairs_csr=seen)
    lists = pd.DataFrame({Columns.User: user, Columns.Item: item})
    # So far each user's items are together, best first.
    lists[Columns.Rank] = lists.groupby(Columns.User, sort=False).cumcount() + 1
    # The gain of an ideal list is that of as many items as there are to find.
    metrics = {f"recall@{length}": Recall(length), f"ndcg@{length}": NDCG(length, divide_by_achievable=True)}
    return calc_metrics(metrics, lists, wanted)


stand = Stand()
length, users = stand.words["length"], np.arange(stand.facts["users"])
shape = stand.facts["users"], stand.facts["items"]
train = stand.array("train_user"), stand.array("train_item")
seen = csr_matrix((np.ones(len(train[0]), dtype=np.float32), train), shape=shape)
wanted = pd.DataFrame({Columns.User: stand.array("test_user"), Columns.Item: stand.array("test_item")})
ranker = ImplicitRanker(Distance.DOT, stand.array("user"), stand.array("item"), num_threads=stand.threads)
start = time.perf_counter()
measures(ranker, users[:WARMING], seen[:WARMING], wanted[wanted[Columns.User] < WARMING], length)
first = time.perf_counter() - start
with stand.measuring():
    found = measures(ranker, users, seen, wanted, length)
stand.tell(stand.seconds[0], {name: float(value) for name, value in found.items()}, first=first)
