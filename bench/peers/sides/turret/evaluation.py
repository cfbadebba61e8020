"""Full ranking by Turret's evaluator, for a model of two tables of vectors."""

from __future__ import annotations

import time

import torch
from stand import Stand
from torch import nn

from data import prepared
from turret.core.context import Context, Encoded, Query, Reads
from turret.data.prepared import TEST
from turret.evaluation.config import Evaluation
from turret.evaluation.evaluator import Evaluator
from turret.nn.tables import Table
from turret.scorers.dot import Dot

WARMING = 16
"""Users with whom everything is done once before it is measured, which compiles and loads what is needed."""


class TwoTables(nn.Module):
    """Given vectors, float32 (users, width) and (items, width)."""

    reads = Reads(user=True)
    scorer = Dot()

    def __init__(self, users: torch.Tensor, items: torch.Tensor) -> None:
        super().__init__()
        self.users, self.items = Table(*users.shape), Table(*items.shape)
        with torch.no_grad():
            self.users.weight.copy_(users)
            self.items.weight.copy_(items)

    def encode(self) -> Encoded:
        return Encoded(self.items, self.users)

    def query(self, context: Context, encoded: Encoded) -> Query:
        assert encoded.users is not None and context.users is not None
        return Query(encoded.users[context.users])


stand = Stand()
length = stand.words["length"]
model = TwoTables(torch.from_numpy(stand.array("user")), torch.from_numpy(stand.array("item")))
data, config = prepared(stand), Evaluation(cutoff=length, test_metrics=(f"recall@{length}", f"ndcg@{length}"))
some, evaluator = Evaluator(data, TEST, config), Evaluator(data, TEST, config)
some.questions = some.questions[:WARMING]
start = time.perf_counter()
some.measures(model)
first = time.perf_counter() - start
with stand.measuring():
    found = evaluator.measures(model)
stand.tell(stand.seconds[0], found, first=first)
