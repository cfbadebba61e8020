"""Numbering of values without a vocabulary: by a hash of texts, and by the bucket that a number falls into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from turret.core.interactions import FloatArray, IntArray
from turret.data.vocabulary import Vocabulary

Rule = int | tuple[float, ...] | Literal["log_square"]


@dataclass(frozen=True, slots=True)
class Hashing:
    """Ids 1 to `size` by the 64-bit FNV-1a hash of a text's UTF-8 bytes, which is the same everywhere and for ever.

    Source: Fowler, Noll, Vo, Eastlake, "The FNV Non-Cryptographic Hash Algorithm", IETF draft-eastlake-fnv.
    """

    size: int

    def __len__(self) -> int:
        return self.size

    def encode(self, tokens: Vocabulary) -> IntArray:
        """int32 [n] the id of each text."""
        from turret.kernels.text import hashed

        ids = np.empty(len(tokens), dtype=np.int32)
        hashed(np.asarray(tokens.data), np.asarray(tokens.offsets), self.size, ids)
        return ids


@dataclass(frozen=True, slots=True)
class Edges:
    """Ids 1 to m + 1 by how many of m boundaries lie at or below a number.

    Attributes:
        boundaries: float32 [m], ascending.
    """

    boundaries: FloatArray

    @classmethod
    def fit(cls, rule: Rule, values: FloatArray, times: IntArray | None = None) -> Edges:
        """The boundaries by a rule.

        Args:
            rule: a number of quantiles, the boundaries themselves, or `log_square`, whose categories are those that training sees: another
                falls into the one below it.
            values: float32 [n] what training sees, NaN where missing.
            times: int [n] how many of training's rows each stands for; None: one.
        """
        if isinstance(rule, tuple):
            return cls(np.array(rule, dtype=np.float32))
        known = ~np.isnan(values) if times is None else ~np.isnan(values) & (times > 0)
        inside = values[known]
        if not len(inside):
            return cls(np.empty(0, dtype=np.float32))
        if rule == "log_square":
            return cls(_begin_of_category(np.unique(_category(inside))[1:]))
        return cls(_quantiles(inside, None if times is None else times[known], rule))

    def __len__(self) -> int:
        return len(self.boundaries) + 1

    def token(self, index: int) -> str:
        """What id `index + 1` stands for, in words."""
        if index == 0:
            return f"below {self.boundaries[0]:g}" if len(self.boundaries) else "any"
        return f"from {self.boundaries[index - 1]:g}"

    def encode(self, values: FloatArray) -> IntArray:
        """int32 [n] the bucket of each number, 0 where it is missing (NaN)."""
        narrow = values.astype(np.float32, copy=False)
        ids = np.searchsorted(self.boundaries, narrow, side="right").astype(np.int32)
        ids += 1
        ids[np.isnan(narrow)] = 0
        return ids


def _quantiles(values: FloatArray, times: IntArray | None, n: int) -> FloatArray:
    """The values with k/n of all at or before them in order, k = 1..n-1, that differ from each other and from the least."""
    if times is None:
        values = np.sort(values)
        places = len(values) * np.arange(1, n) // n
    else:
        order = np.argsort(values, kind="stable")
        values, upto = values[order], np.cumsum(times[order])
        places = np.searchsorted(upto * n, upto[-1] * np.arange(1, n), side="right")
    boundaries = np.unique(values[places]).astype(np.float32)
    above: FloatArray = boundaries[boundaries > values[0]]
    return above


TWO = 2.0


def _category(values: FloatArray) -> IntArray:
    """int64 [n] the category of each number, in ascending order: floor(x) up to 2, then 3 + floor(ln(x)^2)."""
    above = np.log(np.maximum(values, TWO, dtype=np.float64)) ** 2
    return np.where(values > TWO, np.floor(above) + 3, np.floor(values)).astype(np.int64)


def _begin_of_category(categories: IntArray) -> FloatArray:
    """float32 [n] the least number of each category."""
    squares = np.maximum(categories - 3, 0)
    just_above_two = np.nextafter(np.float32(TWO), np.float32(np.inf))
    begins = np.where(categories > 3, np.exp(np.sqrt(squares)), np.where(categories == 3, just_above_two, categories))
    narrow: FloatArray = begins.astype(np.float32)
    return narrow
