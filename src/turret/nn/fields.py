"""Vectors for the fields of an impression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from turret.core.context import Impressions
from turret.nn.tables import Table


class FieldVectors(nn.Module):
    """One vector a field: the embedding of a category, the mean over a set of them, a number times its field's vector.

    All fields share one table, in which each has its own range of rows, so that a step is one lookup and one row-wise update. The row of
    value 0 (unseen in training) starts at zero and so adds nothing to a score unless training itself has missing values to learn it from.

    Args:
        tokens: how many ids each categorical field has, 0 included, in the order of `Impressions.tokens`.
        sets: the same for each multi-valued field, by name.
        floats: how many dense fields there are.
        width: D.
        std: standard deviation of the normal initialisation.

    Attributes:
        count: fields in all, F.
    """

    offsets: Tensor

    def __init__(self, tokens: Sequence[int], sets: Mapping[str, int], floats: int, width: int, std: float) -> None:
        super().__init__()
        starts = list(accumulate([*tokens, *sets.values()], initial=0))
        self.register_buffer("offsets", torch.tensor(starts[: len(tokens)], dtype=torch.int64), persistent=False)
        self.set_offsets = dict(zip(sets, starts[len(tokens) : -1], strict=True))
        self.float_rows = range(starts[-1], starts[-1] + floats)
        self.count = len(tokens) + len(sets) + floats
        self.table = Table(starts[-1] + floats, width, std)
        with torch.no_grad():
            self.table.weight[starts[:-1]] = 0.0

    def forward(self, impressions: Impressions) -> Tensor:
        """float32 [B, F, D]: categorical fields, then sets, then dense ones. An empty set is the zero vector."""
        vectors = [self.table[impressions.tokens + self.offsets]]
        for name, offset in self.set_offsets.items():
            ids, mask = impressions.sets[name]
            members = self.table[ids + offset] * mask.unsqueeze(-1)
            vectors.append((members.sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)).unsqueeze(1))
        if self.float_rows:
            rows = torch.arange(self.float_rows.start, self.float_rows.stop, device=self.offsets.device)
            vectors.append(impressions.floats.unsqueeze(-1) * self.table[rows])
        return torch.cat(vectors, dim=1)
