"""Vectors that are sums: what an item is among choices, and what a graph says of it."""

from __future__ import annotations

import torch
from torch import Tensor

from turret.core.contracts import Lookup


class Summed:
    """The sum of two tables' vectors, row by row.

    Args:
        first: [n, D].
        second: [m, D], m at least n; what is beyond n is of something else.
    """

    def __init__(self, first: Lookup, second: Lookup) -> None:
        self.first, self.second = first, second

    def __getitem__(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D]."""
        return self.first[ids] + self.second[ids]

    def dense(self) -> Tensor:
        """[n, D]."""
        vectors = self.first.dense()
        return vectors + self.second.dense()[: len(vectors)]

    def free(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, 2 D]: what is trained of both."""
        return torch.cat([self.first.free(ids), self.second.free(ids)], dim=-1)
