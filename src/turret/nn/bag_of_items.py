"""A linear layer on whole histories, whose rows of I numbers never exist."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

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
        starts, items = distinct(history, len(self.weights.weight))
        counts = starts.diff()
        weights = F.dropout(counts.to(self.bias.dtype).rsqrt().repeat_interleave(counts), dropout)
        sums: Tensor
        if self.weights.sparse or items.device.type != "cpu":
            sums = _sums(self.weights.weight, items, starts, weights, sparse=self.weights.sparse)
        else:
            sums = _Sums.apply(self.weights.weight, items, starts, weights)  # type: ignore[no-untyped-call]
        return self.bias + sums


def distinct(history: History, n_items: int) -> tuple[Tensor, Tensor]:
    """The items of each history, each once, however often it was chosen: int32 offsets [B + 1], int32 items [E]."""
    if history.items.device.type == "cpu":
        from turret.kernels import bags

        offsets, items = bags.distinct(history.items.numpy(), history.mask.numpy(), n_items)
        return torch.from_numpy(offsets), torch.from_numpy(items)
    pairs = torch.unique(history.mask.nonzero()[:, 0] * n_items + history.items[history.mask])
    counts = torch.bincount(pairs // n_items, minlength=len(history.mask))
    return F.pad(counts.cumsum(0), (1, 0)).int(), (pairs % n_items).int()


def _sums(table: Tensor, ids: Tensor, starts: Tensor, weights: Tensor, sparse: bool = False) -> Tensor:
    """Weighted sums of rows: in row b those from starts_b to starts_b+1."""
    return F.embedding_bag(ids, table, starts, mode="sum", per_sample_weights=weights, include_last_offset=True, sparse=sparse)


class _Sums(torch.autograd.Function):
    """`_sums` on a CPU, whose gradient is made of such sums too, of the same list by column: torch's own scatters."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, ids: Tensor, starts: Tensor, weights: Tensor) -> Tensor:
        ctx.rows = len(table)
        ctx.save_for_backward(ids, starts, weights)
        return _sums(table.detach(), ids, starts, weights)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        from turret.kernels import bags

        ids, starts, weights = (saved.numpy() for saved in ctx.saved_tensors)
        begins, rows, moved = (torch.from_numpy(part) for part in bags.transposed(starts, ids, weights, ctx.rows))
        return _sums(gradient.contiguous(), rows, begins, moved), None, None, None
