from __future__ import annotations

import torch

from turret.nn.first_rows import FirstRows
from turret.nn.tables import Table


def test_they_are_those_of_the_table() -> None:
    table = Table(5, 2)
    first, ids = FirstRows(table, 3), torch.tensor([[2, 0], [1, 2]])
    assert torch.equal(first.dense(), table.weight[:3])
    assert torch.equal(first[ids], table.weight[ids]) and torch.equal(first.free(ids), table.weight[ids])


def test_a_step_touches_only_the_rows_that_were_read() -> None:
    table = Table(5, 2)
    table.sparse = True
    FirstRows(table, 3)[torch.tensor([1, 1])].sum().backward()
    assert table.weight.grad is not None and table.weight.grad.is_sparse
    assert table.weight.grad.to_dense().any(dim=1).tolist() == [False, True, False, False, False]
