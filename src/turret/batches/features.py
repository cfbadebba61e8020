"""Columns of features as tensors from which a batch is one gather."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from turret.core.interactions import FloatArray
from turret.data.columns import Column, Numbers, NumberSets, Tokens, TokenSets


@dataclass(frozen=True)
class Sets:
    """The sets of one multi-valued field, end to end.

    Attributes:
        offsets: int64 [n + 1]; row r has `ids[offsets[r]:offsets[r + 1]]`.
        ids: int32.
    """

    offsets: Tensor
    ids: Tensor

    def take(self, rows: Tensor, longest: int | None = None) -> tuple[Tensor, Tensor]:
        """Ids int64 [B, S] and mask bool [B, S] of `rows` [B]; S is the longest among them (at least 1), or `longest` if that is less."""
        start = self.offsets[rows]
        lengths = self.offsets[rows + 1] - start
        if longest is not None:
            lengths = lengths.clamp(max=longest)
        steps = torch.arange(max(int(lengths.max()), 1) if len(rows) else 1, device=rows.device)
        mask = steps < lengths[:, None]
        if not len(self.ids):
            return torch.zeros_like(mask, dtype=torch.int64), mask
        return self.ids[(start[:, None] + steps) * mask].long() * mask, mask

    def rows(self, rows: Tensor) -> Sets:
        """The sets of some of the rows."""
        ids, mask = self.take(rows)
        return Sets(F.pad(mask.sum(dim=1).cumsum(0), (1, 0)), ids[mask].int())


@dataclass(frozen=True)
class Features:
    """What is known of n users, items or rows of the log.

    Attributes:
        tokens: int32 [n, F].
        floats: float32 [n, G].
        sets: by field.
    """

    tokens: Tensor
    floats: Tensor
    sets: Mapping[str, Sets]

    def to(self, device: torch.device) -> Features:
        """The same on another device."""
        sets = {name: Sets(column.offsets.to(device), column.ids.to(device)) for name, column in self.sets.items()}
        return Features(self.tokens.to(device), self.floats.to(device), sets)

    def rows(self, rows: Tensor) -> Features:
        """Some of the rows."""
        sets = {name: column.rows(rows) for name, column in self.sets.items()}
        return Features(self.tokens.index_select(0, rows), self.floats.index_select(0, rows), sets)

    def after_unknown(self) -> Features:
        """The same with a row 0 before it, of which nothing is known: unseen tokens, mean numbers, empty sets."""
        sets = {name: Sets(F.pad(column.offsets, (1, 0)), column.ids) for name, column in self.sets.items()}
        return Features(F.pad(self.tokens, (0, 0, 1, 0)), F.pad(self.floats, (0, 0, 1, 0)), sets)

    @classmethod
    def none(cls, n: int, device: torch.device | str = "cpu") -> Features:
        """Of n rows of which nothing is known and nothing could be."""
        return cls(torch.empty(n, 0, dtype=torch.int32, device=device), torch.empty(n, 0, device=device), {})


def joined(parts: Sequence[Features]) -> Features:
    """The rows of several, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Features(
        torch.cat([part.tokens for part in parts]),
        torch.cat([part.floats for part in parts]),
        {name: _end_to_end([part.sets[name] for part in parts]) for name in parts[0].sets},
    )


def _end_to_end(parts: Sequence[Sets]) -> Sets:
    lengths = torch.cat([part.offsets.diff() for part in parts])
    return Sets(F.pad(lengths.cumsum(0), (1, 0)), torch.cat([part.ids for part in parts]))


@dataclass(frozen=True)
class Encoder:
    """Which columns of a table become which features. What is fitted (vocabularies, scales) is in the columns already.

    Attributes:
        tokens: categorical columns and how many ids each has.
        sets: multi-valued columns, likewise.
        numbers: dense fields by name: a column, and the place in its rows where it holds several numbers. Such a column gives as many
            fields as its longest training row has numbers.
    """

    tokens: Mapping[str, int] = field(default_factory=dict)
    sets: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Mapping[str, Column]) -> Encoder:
        """For the columns of a table, of whatever part of a split."""
        numbers: dict[str, tuple[str, int]] = {}
        for name, column in columns.items():
            if isinstance(column, Numbers):
                numbers[name] = name, 0
            elif isinstance(column, NumberSets):
                numbers.update({f"{name}.{place}": (name, place) for place in range(len(column.scales))})
        return cls(
            {name: column.size for name, column in columns.items() if isinstance(column, Tokens)},
            {name: column.size for name, column in columns.items() if isinstance(column, TokenSets)},
            numbers,
        )

    def encode(self, columns: Mapping[str, Column], start: int, stop: int) -> Features:
        """The features of the rows from `start` to `stop` of `columns`, which may hold other columns too."""
        tokens, floats = np.empty((stop - start, len(self.tokens)), np.int32), np.empty((stop - start, len(self.numbers)), np.float32)
        sets = {}
        for place, name in enumerate(self.tokens):
            tokens[:, place] = columns[name].ids[start:stop]  # type: ignore[union-attr]
        for place, (name, within) in enumerate(self.numbers.values()):
            floats[:, place] = _scaled(columns[name], within, start, stop)
        for name in self.sets:
            column = columns[name]
            assert isinstance(column, TokenSets)
            offsets = torch.tensor(column.offsets[start : stop + 1], dtype=torch.int64)
            sets[name] = Sets(offsets - offsets[0], torch.tensor(column.ids[int(offsets[0]) : int(offsets[-1])], dtype=torch.int32))
        return Features(torch.from_numpy(tokens), torch.from_numpy(floats), sets)


def _scaled(column: Column, place: int, start: int, stop: int) -> FloatArray:
    """float32 [n] the numbers at `place` of the rows from `start` to `stop`; a missing one is the mean."""
    if isinstance(column, Numbers):
        return column.scale.apply(column.values[start:stop])
    assert isinstance(column, NumberSets)
    return column.scales[place].apply(NumberSets(column.offsets[start : stop + 1], column.values, column.scales).at(place))
