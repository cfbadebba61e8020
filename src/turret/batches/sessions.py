"""Session-parallel mini-batches: sessions side by side, each going on where the mini-batch before left it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from turret.core.context import Streams
from turret.core.errors import InputError
from turret.core.interactions import IntArray, Interactions


@dataclass(frozen=True)
class Schedule:
    """An epoch of M mini-batches with E entries in all.

    Attributes:
        offsets: int64 [M + 1]; mini-batch m is entries `offsets[m]` to `offsets[m + 1] - 1`, one a slot.
        place: int64 [E] the row of the log that is read; the next row is to be predicted.
        fresh: bool [E] whether it is the first of its session.
        kept: int64 [E] the slot of the mini-batch before that this slot was.
    """

    offsets: IntArray
    place: IntArray
    fresh: np.ndarray[tuple[int], np.dtype[np.bool_]]
    kept: IntArray


def schedule(log: Interactions, width: int, least: int = 1) -> Schedule:
    """The mini-batches of a log whose users are sessions (B. Hidasi et al. 2016, section 3.1.1).

    Sessions are taken in the order of their first events (by `log` where it has no times or they are equal), the same in every epoch. Each
    of `width` slots, or of as many as there are sessions, holds one and advances an event a mini-batch; finished ones are replaced, lower
    slots first, and at the end removed.

    Args:
        log: sorted by session and time.
        width: slots.
        least: the schedule ends when fewer slots than this are left.
    """
    from turret.kernels.streams import schedule as compiled

    offsets = log.by_user.offsets
    sessions = np.flatnonzero(np.diff(offsets))
    starts, lengths = offsets[sessions], np.diff(offsets)[sessions]
    if log.time is not None and len(starts):
        order = np.argsort(log.time[starts], kind="stable")
        starts, lengths = starts[order], lengths[order]
    return Schedule(*compiled(starts.astype(np.int64), lengths.astype(np.int64), min(width, len(starts)), least))


class SessionParallel:
    """Every event but the first of its session is predicted once an epoch, from the state that the events before it left.

    Args:
        log: the training part, sorted by session (or user) and time.
        batch_size: slots.
        steps: K, mini-batches in a row that make one training step (truncated backpropagation through time). Runs of fewer are made where
            the number of slots changes.
        least: an epoch ends when fewer slots than this are left.

    Raises:
        InputError: no session has two events.
    """

    def __init__(self, log: Interactions, batch_size: int, steps: int = 1, least: int = 1) -> None:
        plan = schedule(log, batch_size, least)
        if not len(plan.place):
            together = f" and {least} sessions of two are never side by side" if least > 1 else ""
            raise InputError(
                f"there is no next item to learn from: no session has two events{together}", hint=f"{len(log):,} events were read."
            )
        items = log.item[plan.place].astype(np.int32), log.item[plan.place + 1].astype(np.int32)
        self._items, self._target = (torch.from_numpy(column) for column in items)
        self._fresh, self._kept = torch.from_numpy(plan.fresh), torch.from_numpy(plan.kept.astype(np.int32))
        self._offsets, self._runs = plan.offsets, runs(plan.offsets, steps)

    @property
    def events(self) -> int:
        """How many events are predicted in an epoch."""
        return len(self._items)

    def columns(self) -> tuple[IntArray, ...]:
        """The epoch as it is kept: offsets int64 [M + 1] of its mini-batches and, for each entry, what is read and predicted int32, whether
        it is fresh bool, whence it came int32."""
        return self._offsets, *(column.numpy() for column in (self._items, self._target, self._fresh, self._kept))

    def steps(self) -> int:
        """How many batches an epoch has."""
        return len(self._runs)

    def epoch(self, generator: torch.Generator) -> Iterator[Streams]:
        """The epoch's batches in time order. Nothing is drawn: there is no shuffling."""
        items, target, fresh, kept = (column.to(generator.device) for column in (self._items, self._target, self._fresh, self._kept))
        width = 0
        for start, stop, slots in self._runs:
            shape = (stop - start) // slots, slots
            came = None if width in (0, slots) else kept[start : start + slots].long()
            yield Streams(
                _cut(items, start, stop, shape), _cut(target, start, stop, shape), fresh[start:stop].view(shape), came, width == 0
            )
            width = slots


def runs(offsets: IntArray, steps: int) -> list[tuple[int, int, int]]:
    """Up to `steps` neighbouring mini-batches of equally many slots: first entry, the one after the last, slots."""
    found: list[tuple[int, int, int]] = []
    widths = np.diff(offsets).tolist()
    first = 0
    for at in range(1, len(widths) + 1):
        if at == len(widths) or widths[at] != widths[first] or at - first == steps:
            found.append((int(offsets[first]), int(offsets[at]), widths[first]))
            first = at
    return found


def _cut(column: Tensor, start: int, stop: int, shape: tuple[int, int]) -> Tensor:
    return column[start:stop].view(shape).long()
