"""The first rows of a table, as a table: the items among the entities of a knowledge graph."""

from __future__ import annotations

from torch import Tensor

from turret.nn.tables import Table


class FirstRows:
    """Rows 0..n-1.

    Args:
        table: of at least n rows.
        n: how many.
    """

    def __init__(self, table: Table, n: int) -> None:
        self.table, self.n = table, n

    def __getitem__(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D]."""
        return self.table[ids]

    def dense(self) -> Tensor:
        """[n, D]."""
        return self.table.dense()[: self.n]

    def free(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D]: a table's vectors are its parameters."""
        return self.table[ids]
