"""A sparse matrix from items to items, which scores by x_u W."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from turret.core.context import History
from turret.core.interactions import FloatArray, IntArray
from turret.graphs.matrix import history_matrix
from turret.kernels.parallel import over_rows


class ItemWeights(nn.Module):
    """W [I, I], stored by row in buffers of a fixed size.

    Args:
        n_items: I.
        per_column: weights that a column has, at most.
    """

    offsets: Tensor
    columns: Tensor
    values: Tensor

    def __init__(self, n_items: int, per_column: int) -> None:
        super().__init__()
        self.register_buffer("offsets", torch.zeros(n_items + 1, dtype=torch.int64))
        self.register_buffer("columns", torch.zeros(n_items * per_column, dtype=torch.int32))
        self.register_buffer("values", torch.zeros(n_items * per_column))

    def keep(self, ids: IntArray, values: FloatArray) -> None:
        """Takes up W by its columns: column j has `values[j]` float32 [I, k] in the rows `ids[j]` int32 [I, k]. Zeros are not kept."""
        n_items, width = ids.shape
        by_column = csr_array((values.ravel(), ids.ravel(), np.arange(n_items + 1) * width), shape=(n_items, n_items))
        by_column.eliminate_zeros()
        by_row = by_column.tocsc()
        self.offsets.copy_(torch.from_numpy(by_row.indptr))
        self.columns.zero_()[: by_row.nnz] = torch.from_numpy(by_row.indices)
        self.values.zero_()[: by_row.nnz] = torch.from_numpy(by_row.data)

    def matrix(self) -> csr_array:
        """W."""
        n_items, size = len(self.offsets) - 1, int(self.offsets[-1])
        parts = (self.values[:size], self.columns[:size], self.offsets)
        return csr_array(tuple(part.cpu().numpy() for part in parts), shape=(n_items, n_items))

    def forward(self, history: History) -> Tensor:
        """The sum of the rows of each history's distinct items: float32 [B, I]. Computed on the processor, wherever the weights are."""
        from turret.kernels.gram import sums_of_rows

        chosen = history_matrix(history, len(self.offsets) - 1)
        scores = np.zeros(chosen.shape, dtype=np.float32)
        weights = (self.offsets.cpu().numpy(), self.columns.cpu().numpy(), self.values.cpu().numpy())
        over_rows(lambda first, last: sums_of_rows(first, last, chosen.indptr, chosen.indices, *weights, scores), len(scores))
        return torch.from_numpy(scores).to(self.offsets.device)
