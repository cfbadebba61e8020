"""A recurrent model read along whole histories."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from turret.core.context import Encoded, History
from turret.core.contracts import Recurrent, State


def unroll(model: Recurrent, history: History, encoded: Encoded) -> Iterator[State]:
    """The state of all rows after each step; a row that has ended keeps its last. Nothing for histories that are all empty.

    A step computes the rows that it still reads alone.

    Args:
        model: reads an item at a time.
        history: [B, L].
        encoded: the model's sides.

    Yields:
        The state, float [B, H] a layer, in the order of the rows.
    """
    items, lengths = history.items, history.lengths
    order = torch.argsort(lengths, descending=True, stable=True)  # the rows that a step still reads are then the first ones
    back = torch.argsort(order)
    reading = (lengths[:, None] > torch.arange(items.shape[1], device=items.device)).sum(dim=0).tolist()
    state = model.initial(len(items))
    for t, rows in enumerate(reading):
        if not rows:
            return
        _, after = model.step(items[order[:rows], t], tuple(layer[:rows] for layer in state), encoded)
        state = tuple(torch.cat([new, old[rows:]]) for new, old in zip(after, state, strict=True))
        yield tuple(layer[back] for layer in state)
