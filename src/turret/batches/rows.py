"""Rows of a log of impressions in memory, and where they are read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from turret.batches.features import Encoder, Features, joined
from turret.batches.schema import labels_of
from turret.data.columns import arrays_of
from turret.data.prepared import Part
from turret.data.spool import let_go


@dataclass(frozen=True)
class Rows:
    """Rows of the log.

    Attributes:
        surroundings: the log's own features.
        users, items: int64 [n], any ids of the dataset.
        times: float64 [n], zeros where the log has none.
        labels: float32 [n, T].
    """

    surroundings: Features
    users: Tensor
    items: Tensor
    times: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.users)

    @property
    def columns(self) -> tuple[Tensor, ...]:
        """All but the surroundings, in order."""
        return self.users, self.items, self.times, self.labels

    def take(self, rows: Tensor) -> Rows:
        """Some of the rows."""
        return Rows(self.surroundings.rows(rows), *(column[rows] for column in self.columns))

    def to(self, device: torch.device) -> Rows:
        """The same on another device."""
        return Rows(self.surroundings.to(device), *(column.to(device) for column in self.columns))

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """The rows of several, one after the other."""
        if len(parts) == 1:
            return parts[0]
        columns = [torch.cat(columns) for columns in zip(*(part.columns for part in parts), strict=True)]
        return cls(joined([part.surroundings for part in parts]), *columns)


class RowSource(Protocol):
    """Where the rows of one part of a split are read from. Reading is asked for by one thread at a time."""

    def __len__(self) -> int: ...

    def zeros(self, start: int, stop: int) -> int:
        """How many of the rows from `start` to `stop` have the label 0, of the first task."""
        ...

    def read(self, start: int, stop: int) -> Rows:
        """The rows from `start` to `stop`, in memory."""
        ...


class MappedRows:
    """Reads from memory-mapped columns.

    Args:
        part: of a split.
        surroundings: how the log's own columns become features.
    """

    def __init__(self, part: Part, surroundings: Encoder) -> None:
        self._log, self._columns, self._encoder = part.interactions, part.features, surroundings
        self._labels = labels_of(part)
        log = part.interactions
        columns = [log.user, log.item, *([] if log.time is None else [log.time]), *self._labels.values()]
        self._arrays = columns + [array for column in part.features.values() for array in arrays_of(column)]

    def __len__(self) -> int:
        return len(self._log)

    def zeros(self, start: int, stop: int) -> int:
        """See `RowSource`."""
        first = next(iter(self._labels.values()))
        zeros = int(np.count_nonzero(first[start:stop] == 0))
        let_go(first)
        return zeros

    def read(self, start: int, stop: int) -> Rows:
        """See `RowSource`."""
        log, span = self._log, slice(start, stop)
        users, items = (torch.tensor(ids[span], dtype=torch.int64) for ids in (log.user, log.item))
        times = torch.zeros(len(users), dtype=torch.float64) if log.time is None else torch.tensor(log.time[span], dtype=torch.float64)
        labels = [torch.tensor(values[span], dtype=torch.float32) for values in self._labels.values()]
        surroundings = self._encoder.encode(self._columns, start, stop)
        for array in self._arrays:
            let_go(array)
        return Rows(surroundings, users, items, times, torch.stack(labels, dim=1) if labels else torch.empty(len(users), 0))
