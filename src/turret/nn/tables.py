"""Tables of vectors.

A step over a million-row table must cost what the rows it touches cost. `Table` therefore can hand autograd a sparse gradient (row ids and
their values, duplicates not yet summed), which the row-wise optimizers of `training.optimizers` apply to those rows alone.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Table(nn.Module):
    """A trained vector for each of `n` ids.

    Args:
        n: rows.
        width: D.
        std: standard deviation of the normal initialisation; None draws Xavier-normal.

    Attributes:
        sparse: whether `table[ids]` gives sparse gradients; the training procedure sets it to what its optimizer can use.
    """

    def __init__(self, n: int, width: int, std: float | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n, width))
        self.sparse = False
        if std is None:
            nn.init.xavier_normal_(self.weight)
        else:
            nn.init.normal_(self.weight, std=std)

    def __getitem__(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D]."""
        return F.embedding(ids, self.weight, sparse=self.sparse)

    def dense(self) -> Tensor:
        """[n, D]."""
        return self.weight

    def free(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D]: a table's vectors are its parameters."""
        return self[ids]


class Biased:
    """A table of vectors with a bias beside each, which `scorers.biased_dot` adds to the inner product.

    Args:
        vectors: [n, D].
        biases: [n, 1].
    """

    def __init__(self, vectors: Table, biases: Table) -> None:
        self.vectors, self.biases = vectors, biases

    def __getitem__(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D + 1], the bias last."""
        return torch.cat([self.vectors[ids], self.biases[ids]], dim=-1)

    def dense(self) -> Tensor:
        """[n, D + 1]."""
        return torch.cat([self.vectors.dense(), self.biases.dense()], dim=1)

    def free(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D + 1]: tables' vectors are their parameters."""
        return self[ids]


class Computed:
    """Vectors that a model computed for all ids at once (a graph convolution, a feature tower).

    Args:
        vectors: [n, D].
        base: the table that they were computed from, if any.
    """

    def __init__(self, vectors: Tensor, base: Table | None = None) -> None:
        self.vectors, self.base = vectors, base

    def __getitem__(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D]."""
        return F.embedding(ids, self.vectors)

    def dense(self) -> Tensor:
        """[n, D]."""
        return self.vectors

    def free(self, ids: Tensor) -> Tensor:
        """int64 [*S] -> [*S, D']: the rows of the base table; where there is none, the vectors themselves."""
        return self[ids] if self.base is None else self.base[ids]
