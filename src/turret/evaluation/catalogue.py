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
