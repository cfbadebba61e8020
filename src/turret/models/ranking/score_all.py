"""A ranker asked about the whole catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from turret.batches.impressions import ImpressionBuilder
from turret.core.context import Context, Reads
from turret.core.contracts import Ranker
from turret.core.errors import UnsupportedError


class RankerCatalogue:
    """Scores every item by building the impression of each user with each item. Keeps the `Catalogue` contract.

    It costs as many forward rows as there are (user, item) pairs: right for a small catalogue, or after a retriever has chosen.

    Args:
        ranker: in evaluation mode.
        builder: on the ranker's device.
        n_items: I, the items that training saw.
        task: which of the ranker's logits orders the items.
        block: rows of impressions that are built at a time.

    Raises:
        UnsupportedError: the impressions have surroundings beside user and item.
    """

    def __init__(self, ranker: Ranker, builder: ImpressionBuilder, n_items: int, task: int = 0, block: int = 65536) -> None:
        if builder.schema.context:
            raise UnsupportedError(
                f"this ranker reads the surroundings of an impression ({_some(builder.schema.context)}), which are unknown before "
                "one happens: it scores impressions (`turret predict`), but not a whole catalogue"
            )
        self.reads = Reads(user=True, history=ranker.reads.history)
        self.ranker, self.builder, self.n_items, self.task, self.block = ranker, builder, n_items, task, block

    def score_all(self, context: Context) -> Tensor:
        """float32 [B, I]."""
        assert context.users is not None
        users = context.users.to(self.builder.device)
        items = torch.arange(self.n_items, device=users.device)
        scores = []
        for pairs in torch.split(torch.arange(len(users) * self.n_items, device=users.device), self.block):
            row = pairs // self.n_items
            before = context.history.take(row) if self.reads.history and context.history is not None else None
            scores.append(self.ranker(self.builder.pairs(users[row], items[pairs % self.n_items], before))[:, self.task])
        return torch.cat(scores).view(len(users), self.n_items)


def _some(names: Sequence[str], most: int = 5) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
