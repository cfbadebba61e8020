"""The inner loops of the simulator of advertising logs: values drawn from counters, what they mean, and rows as text.

Nothing is remembered between rows. What column c holds in row r is a hash of c and r, and what a value means is a hash of it, so a log of
any size needs no table, and any part of it can be made by itself. Letters: n rows, G numbers, F categories, C = G + F columns, D factors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from turret.kernels.text import Ints, decimal

Floats = npt.NDArray[np.floating[Any]]

MISSING = -(1 << 31)
"""Stands for a hole in a table of values."""
FACTORS = 4
"""D, the length of the vectors whose products are what two columns mean together."""
HOLES_OF = 2048
"""Shares of holes are in units of one in so many."""
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
UNIT = np.sqrt(12.0) / 65536
"""Brings 16 random bits, less their middle, to standard deviation 1."""


@njit(cache=True, nogil=True)
def _hash(key: np.uint64, counter: np.uint64) -> np.uint64:
    """64 bits: the generator SplitMix64 (Steele, Lea and Flood 2014) at a place of the stream that begins at `key`."""
    x = key + GOLDEN * (counter + np.uint64(1))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashed: np.uint64 = x ^ (x >> np.uint64(31))
    return hashed


@njit(cache=True, nogil=True)
def _unit(bits: np.uint64, place: int) -> float:
    """Of 64 random bits, the 16 at `place` (0 to 3) as a number of mean 0 and standard deviation 1."""
    drawn: float = (np.float64((bits >> np.uint64(16 * place)) & np.uint64(0xFFFF)) - 32767.5) * UNIT
    return drawn


@njit(cache=True, nogil=True)
def _level(x: int) -> float:
    """The logarithm to base 2 of x >= 1, a straight line between powers of 2: exact, and the same on every machine."""
    k = 0
    while x >> (k + 1):
        k += 1
    return float(k + x / (1 << k) - 1.0)


@njit(cache=True, nogil=True)
def draw(first: int, rows: int, keys: Ints, spans: Floats, holes: Ints, least: Ints, numbers: int) -> Ints:
    """The values of some rows.

    A value is `least + floor(2^k (1 + f)) - 1`, where k + f is uniform over [0, span) for categories: Zipf's law, in steps. For numbers,
    k + f is span times the square of a uniform number, so that small ones are more frequent still.

    Args:
        first: number of the first row.
        rows: n.
        keys: uint64 [C].
        spans: float64 [C] `_level` of one more than how many values there are.
        holes: int64 [C] how many rows in `HOLES_OF` lack a value.
        least: int64 [C].
        numbers: G, the columns in front.

    Returns:
        int64 [n, C].
    """
    values = np.empty((rows, len(keys)), dtype=np.int64)
    for row in range(rows):
        for column in range(len(keys)):
            bits = _hash(keys[column], np.uint64(first + row))
            uniform = np.float64(bits >> np.uint64(11)) * (1.0 / 9007199254740992.0)
            level = spans[column] * uniform
            if column < numbers:
                level *= uniform
            k = int(level)
            value = least[column] + int((1 << k) * (1.0 + level - k)) - 1
            values[row, column] = MISSING if np.int64(bits & np.uint64(HOLES_OF - 1)) < holes[column] else value
    return values


@njit(cache=True, nogil=True)
def uniforms(first: int, rows: int, key: np.uint64) -> Floats:
    """float64 [n] in [0, 1), one a row."""
    drawn = np.empty(rows, dtype=np.float64)
    for row in range(rows):
        drawn[row] = np.float64(_hash(key, np.uint64(first + row)) >> np.uint64(11)) * (1.0 / 9007199254740992.0)
    return drawn


@njit(cache=True, nogil=True)
def meaning(values: Ints, keys: Ints, spans: Floats, least: Ints, curves: Floats, paired: Ints) -> Floats:
    """What rows say of a click: each of their values by itself, and some pairs of them.

    A category's value has an effect and a vector of its own, both hashed from it; a hole is a value like any other. A number x has level
    t in [0, 1], the share of its span that `_level` of it has, and the effect `a t + 4 b t (1 - t)`; its hole has the effect c. A pair says
    the product of its vectors.

    Args:
        values: int64 [n, C] from `draw`.
        keys: uint64 [C], others than those of the draw.
        spans, least: as for `draw`.
        curves: float64 [G, 3]: a, b and c.
        paired: bool [C] which categories say something two by two.

    Returns:
        float64 [n, 2]: the sum of the effects, and the sum over pairs.
    """
    rows, columns = values.shape
    numbers = len(curves)
    said = np.empty((rows, 2), dtype=np.float64)
    total, squares = np.empty(FACTORS, dtype=np.float64), np.empty(FACTORS, dtype=np.float64)
    for row in range(rows):
        own = 0.0
        total[:] = 0.0
        squares[:] = 0.0
        for column in range(numbers):
            value = values[row, column]
            if value == MISSING:
                own += curves[column, 2]
                continue
            t = _level(value - least[column] + 1) / spans[column]
            own += curves[column, 0] * t + curves[column, 1] * 4.0 * t * (1.0 - t)
        for column in range(numbers, columns):
            bits = _hash(keys[column], np.uint64(values[row, column]))
            own += _unit(bits, 0)
            if not paired[column]:
                continue
            bits = _hash(bits, np.uint64(0))
            for factor in range(FACTORS):
                part = _unit(bits, factor)
                total[factor] += part
                squares[factor] += part * part
        together = 0.0
        for factor in range(FACTORS):
            together += total[factor] * total[factor] - squares[factor]
        said[row, 0], said[row, 1] = own, together / 2.0
    return said


@njit(cache=True, nogil=True)
def _name(key: np.uint64, value: int) -> np.uint32:
    """32 bits that no other value of the column has: every step can be undone (Appleby's finaliser of MurmurHash3)."""
    x = np.uint32((np.uint64(value) + key) & np.uint64(0xFFFFFFFF))
    x = np.uint32((x ^ (x >> np.uint32(16))) * np.uint64(0x85EBCA6B) & np.uint64(0xFFFFFFFF))
    x = np.uint32((x ^ (x >> np.uint32(13))) * np.uint64(0xC2B2AE35) & np.uint64(0xFFFFFFFF))
    name: np.uint32 = np.uint32(x ^ (x >> np.uint32(16)))
    return name


@njit(cache=True, nogil=True)
def as_text(labels: Ints, values: Ints, keys: Ints, numbers: int) -> npt.NDArray[np.uint8]:
    """Rows as tab-separated lines: the label, the numbers in decimal, the categories in eight hexadecimal digits, nothing for a hole.

    Args:
        labels: [n] 0 or 1.
        values: int64 [n, C] from `draw`.
        keys: uint64 [C] that name the categories' values.
        numbers: G.

    Returns:
        uint8 [bytes].
    """
    rows, columns = values.shape
    text = np.empty(rows * (1 + 12 * numbers + 9 * (columns - numbers) + 1), dtype=np.uint8)
    end = 0
    for row in range(rows):
        text[end] = 48 + labels[row]
        end += 1
        for column in range(columns):
            text[end] = 9
            end += 1
            value = values[row, column]
            if value == MISSING:
                continue
            if column < numbers:
                end = decimal(value, text, end)
                continue
            name = _name(keys[column], value)
            for place in range(8):
                digit = (name >> np.uint32(28 - 4 * place)) & np.uint32(15)
                text[end + place] = digit + (48 if digit < 10 else 87)
            end += 8
        text[end] = 10
        end += 1
    return text[:end]
