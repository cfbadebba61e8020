"""Vectors that are sums of two tables'."""

from __future__ import annotations

import torch

from turret.nn.summed import Summed
from turret.nn.tables import Table


def test_rows_all_and_what_is_free() -> None:
    torch.manual_seed(0)
    first, second, ids = Table(3, 2), Table(5, 2), torch.tensor([[2, 0], [1, 1]])
    both = Summed(first, second)
    assert torch.equal(both.dense(), first.weight + second.weight[:3])
    assert torch.equal(both[ids], both.dense()[ids])
    assert torch.equal(both.free(ids), torch.cat([first.weight[ids], second.weight[ids]], dim=-1))
