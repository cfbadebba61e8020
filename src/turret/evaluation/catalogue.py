"""Any model that can rank the whole catalogue, seen as a `Catalogue`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from turret.core.context import Context, Reads
from turret.core.contracts import Catalogue, Retriever
from turret.core.errors import UnsupportedError

CACHE_CELLS = 1 << 19
"""Scores in a block on the processor: 2 MiB, which are still in the cache when they are ranked."""
DEVICE_CELLS = 1 << 26
"""Scores in a block on a device, where only memory limits them."""


class RetrieverCatalogue:
    """A retriever whose two sides are encoded once. Keeps the `Catalogue` contract, and scores with what the model was at that moment.

    Args:
        retriever: in evaluation mode.
    """

    def __init__(self, retriever: Retriever) -> None:
        self.reads: Reads = retriever.reads
        self.retriever = retriever
        self.encoded = retriever.encode()
        self.items = self.encoded.items.dense()

    def score_all(self, context: Context) -> Tensor:
        """float [B, I]."""
        return self.retriever.scorer.all(self.retriever.query(context, self.encoded).vector, self.items)

    def score_blocks(self, context: Context, width: int) -> Iterator[Tensor]:
        """The columns of `score_all`, float [B, `width`] at a time: for rows that are longer than the cache, or than memory."""
        query = self.retriever.query(context, self.encoded).vector
        for start in range(0, len(self.items), width):
            yield self.retriever.scorer.all(query, self.items[start : start + width])


def score_blocks(catalogue: Catalogue, context: Context) -> Iterator[Tensor]:
    """The scores of all items, in the order of their ids, in blocks where the catalogue can."""
    if isinstance(catalogue, RetrieverCatalogue):
        cells = DEVICE_CELLS if catalogue.items.is_cuda else CACHE_CELLS
        yield from catalogue.score_blocks(context, max(1, cells // len(context)))
    else:
        yield catalogue.score_all(context)


def as_catalogue(model: Any) -> Catalogue:
    """`model` itself, or its adapter.

    Raises:
        UnsupportedError: it scores no whole catalogue, as a ranker does not.
    """
    if isinstance(model, Retriever):
        return RetrieverCatalogue(model)
    if isinstance(model, Catalogue):
        return model
    raise UnsupportedError(f"{type(model).__name__} does not score a whole catalogue: it is neither a retriever nor a catalogue")


def device_of(model: Any) -> torch.device:
    """Where a model's tensors are; the processor for one that has none."""
    tensors = chain(model.parameters(), model.buffers()) if isinstance(model, nn.Module) else iter(())
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


@contextmanager
def at_rest(model: Any) -> Iterator[None]:
    """Without gradients and in evaluation mode; training mode comes back after."""
    was_training = isinstance(model, nn.Module) and model.training
    if was_training:
        model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        if was_training:
            model.train()
