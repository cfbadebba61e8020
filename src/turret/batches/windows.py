"""Windows of histories in which every step is to be predicted from those before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from turret.core.context import Context, History, Positives
from turret.core.errors import InputError
from turret.core.interactions import Interactions

POOL = 16
"""Batches' worth of windows that are sorted by length together: little padding is left, and who meets whom still changes each epoch."""


class Windows:
    """Every window once an epoch, in batches of nearly equal length, each trimmed to its longest.

    Windows are shuffled, sorted by length within pools of `POOL` batches, cut into batches that hold equally many targets (so short and
    long histories weigh the same in a loss averaged over a batch, and every step costs the same), and the batches are shuffled.

    Args:
        interactions: the training part, sorted by user and time. A user with a single item gives nothing to predict and has no window.
        length: L, items that a window reads at most.
        batch_size: windows in a batch, on average over an epoch.
        stride: None gives each user one window, of the latest L + 1 items (the last of which is only predicted). A number gives further
            windows that end `stride` items earlier each, until the first item is reached; with `stride` = L every item but a user's
            first is predicted exactly once.

    Raises:
        InputError: `stride` is larger than `length` and would leave out items between the windows.
    """

    def __init__(self, interactions: Interactions, length: int, batch_size: int, stride: int | None = None) -> None:
        if stride is not None and stride > length:
            raise InputError(f"a stride of {stride} leaves out items between windows of length {length}", hint="Choose it no larger.")
        self.length, self.batch_size = length, batch_size
        histories = interactions.by_user
        users = np.flatnonzero(histories.lengths > 1)
        first, last = histories.offsets[users], histories.offsets[users + 1] - 1
        # A window reads the items from its start up to, not including, its end, and predicts those one later.
        beyond = np.maximum(last - first - length, 0)
        count = np.ones_like(last) if stride is None else 1 + -(-beyond // stride)
        earlier = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        end = np.repeat(last, count) - earlier * (stride or 0)
        start = np.maximum(end - length, np.repeat(first, count))
        self.users = torch.from_numpy(np.repeat(users, count))
        self.starts, self.lengths = torch.from_numpy(start), torch.from_numpy(end - start)
        self.items, self.rows = torch.tensor(histories.values), torch.tensor(histories.positions)

    def __len__(self) -> int:
        """How many windows there are."""
        return len(self.users)

    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self) // self.batch_size)

    def epoch(self, generator: torch.Generator) -> Iterator[Positives]:
        """`Positives` with users [B], history [B, L'] (L' <= L), and every real step asked: targets [Q], the next items."""
        self._to(generator.device)
        batches = self._draw(generator) if len(self) else []
        for number in torch.randperm(len(batches), generator=generator, device=generator.device).tolist():
            yield self._batch(batches[number])

    def _to(self, device: torch.device) -> None:
        self.users, self.starts, self.lengths = self.users.to(device), self.starts.to(device), self.lengths.to(device)
        self.items, self.rows = self.items.to(device), self.rows.to(device)

    def _draw(self, generator: torch.Generator) -> Sequence[Tensor]:
        """The windows of each batch."""
        n, steps, device = len(self), self.steps(), generator.device
        order = torch.randperm(n, generator=generator, device=device)
        pool = torch.arange(n, device=device) // (POOL * self.batch_size)
        # Every other pool is sorted downwards, so that lengths also agree where a batch reaches from one pool into the next.
        key = torch.where(pool % 2 == 0, self.lengths[order], self.length - self.lengths[order])
        order = order[torch.argsort(pool * (self.length + 1) + key, stable=True)]
        targets = self.lengths[order].cumsum(0)
        inner = torch.arange(1, steps, device=device)
        cuts = torch.searchsorted(targets, inner * targets[-1] // steps)
        # No batch is left empty, even where one window holds more than a batch's share of the targets.
        cuts = (cuts - inner).cummax(0).values.clamp(0, n - steps) + inner
        return order.tensor_split(cuts.cpu())

    def _batch(self, windows: Tensor) -> Positives:
        lengths = self.lengths[windows]
        steps = torch.arange(int(lengths.max()), device=windows.device)
        mask = steps < lengths[:, None]
        places = self.starts[windows, None] + steps
        items = self.items[places.where(mask, 0)].long().where(mask, 0)
        asked, answers = mask.flatten().nonzero().squeeze(1), places[mask] + 1
        context = Context(self.users[windows], History(items, mask), asked)
        return Positives(context, self.items[answers].long(), places=self.rows[answers])
