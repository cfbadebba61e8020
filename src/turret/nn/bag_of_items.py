"""A linear layer on whole histories, whose rows of I numbers never exist."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from turret.core.context import History
from turret.nn.tables import Table


class BagOfItems(nn.Module):
    """W^T x + b, for x the items of a history as a binary row of I numbers, scaled to length 1.

    It is computed as a weighted sum of the rows of W that belong to the history's items. Dropout acts on their weights, which is the same
    as on x, for it leaves zeros as they are.

    Args:
        n_items: I.
        width: H.
    """

    def __init__(self, n_items: int, width: int) -> None:
        super().__init__()
        self.weights = Table(n_items, width)
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, history: History, dropout: float = 0.0) -> Tensor:
        """[B, H], from histories of which a share `dropout` of the items is left out, the others counting the more."""
        rows, n_items = history.mask.nonzero()[:, 0], len(self.weights.weight)
        pairs = torch.unique(rows * n_items + history.items[history.mask])  # x is binary, however often an item was chosen
        rows, items = pairs // n_items, pairs % n_items
        counts = torch.bincount(rows, minlength=len(history.mask))
        weights = F.dropout(counts[rows].to(self.bias.dtype).rsqrt(), dropout)
        starts = counts.cumsum(0) - counts
        table, sparse = self.weights.weight, self.weights.sparse
        return self.bias + F.embedding_bag(items, table, starts, mode="sum", per_sample_weights=weights, sparse=sparse)
