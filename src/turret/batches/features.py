"""Columns of features as tensors from which a batch is one gather."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from turret.core.interactions import FloatArray, IntArray
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

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Ids int64 [B, S] and mask bool [B, S] of `rows` [B], S being the longest among them (at least 1)."""
        start = self.offsets[rows]
        lengths = self.offsets[rows + 1] - start
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
        return Features(self.tokens[rows], self.floats[rows], {name: column.rows(rows) for name, column in self.sets.items()})

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
class Dense:
    """One dense field: the number at `place` of each row of a column, standardised. A missing number becomes the mean."""

    column: str
    place: int
    mean: float
    std: float

    def values(self, columns: Mapping[str, Column], rows: slice) -> FloatArray:
        """float32 [n]."""
        standard: FloatArray = (numbers(columns[self.column], self.place, rows) - self.mean) / self.std
        return np.nan_to_num(standard, nan=0.0).astype(np.float32)


@dataclass(frozen=True)
class Encoder:
    """How the columns of one table become `Features`, as fitted on training.

    Attributes:
        tokens: categorical columns and how many ids each has.
        sets: multi-valued columns, likewise.
        dense: dense fields by name. A column of several numbers gives as many fields as its longest training row has numbers.
    """

    tokens: Mapping[str, int] = field(default_factory=dict)
    sets: Mapping[str, int] = field(default_factory=dict)
    dense: Mapping[str, Dense] = field(default_factory=dict)

    @classmethod
    def fit(cls, columns: Mapping[str, Column], counts: IntArray) -> Encoder:
        """Means and deviations are those of training's impressions: row r stands for `counts[r]` of them."""
        dense = {}
        for name, column in columns.items():
            if isinstance(column, Numbers):
                dense[name] = _fit(columns, name, 0, counts)
            elif isinstance(column, NumberSets):
                longest = int(np.diff(column.offsets)[counts > 0].max(initial=0))
                dense.update({f"{name}.{place}": _fit(columns, name, place, counts) for place in range(longest)})
        return cls(
            {name: column.size for name, column in columns.items() if isinstance(column, Tokens)},
            {name: column.size for name, column in columns.items() if isinstance(column, TokenSets)},
            dense,
        )

    def encode(self, columns: Mapping[str, Column], start: int, stop: int) -> Features:
        """The features of the rows from `start` to `stop` of `columns`, which may hold other columns too."""
        n, rows = stop - start, slice(start, stop)
        tokens, floats, sets = np.empty((n, len(self.tokens)), np.int32), np.empty((n, len(self.dense)), np.float32), {}
        for place, name in enumerate(self.tokens):
            tokens[:, place] = columns[name].ids[rows]  # type: ignore[union-attr]
        for place, dense in enumerate(self.dense.values()):
            floats[:, place] = dense.values(columns, rows)
        for name in self.sets:
            column = columns[name]
            assert isinstance(column, TokenSets)
            offsets = torch.tensor(column.offsets[start : stop + 1], dtype=torch.int64)
            sets[name] = Sets(offsets - offsets[0], torch.tensor(column.ids[int(offsets[0]) : int(offsets[-1])], dtype=torch.int32))
        return Features(torch.from_numpy(tokens), torch.from_numpy(floats), sets)


def numbers(column: Column, place: int, rows: slice = slice(None)) -> FloatArray:
    """float [n] the number at `place` of each row, NaN where a row has none there."""
    if isinstance(column, Numbers):
        return column.values[rows]
    assert isinstance(column, NumberSets)
    at = column.offsets[:-1][rows] + place
    present = at < column.offsets[1:][rows]
    found = np.full(len(at), np.nan, np.float32)
    found[present] = column.values[at[present]]
    return found


def _fit(columns: Mapping[str, Column], name: str, place: int, counts: IntArray) -> Dense:
    values = numbers(columns[name], place).astype(np.float64)
    known = ~np.isnan(values) & (counts > 0)
    if not known.any():
        return Dense(name, place, 0.0, 1.0)
    mean = float(np.average(values[known], weights=counts[known]))
    std = float(np.sqrt(np.average((values[known] - mean) ** 2, weights=counts[known])))
    return Dense(name, place, mean, std or 1.0)
