"""Codes for the tokens of a column that comes piece by piece: each token is looked up among those that came before."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from turret.core.interactions import IntArray
from turret.data.arrow import Texts
from turret.data.blocks import blocks, counted, taken
from turret.data.spool import let_go
from turret.data.tables import Coded
from turret.data.vocabulary import Vocabulary

_WORD = 8
"""Bytes that are compared at once."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: the upper bits of a product with it are a hash (Knuth, The Art of Computer Programming 3, 6.4)."""
Words = npt.NDArray[np.uint64]


class Coding:
    """Tokens as they come, each with a number.

    Tokens of one length are words of 8 bytes, in a hash table of their own; the first byte is the highest of a word, so that words are
    ordered as tokens are.
    """

    def __init__(self) -> None:
        self._of_length: dict[int, _Table] = {}
        self._n = 0

    def numbers(self, texts: Texts) -> IntArray:
        """int32 [n] the number of each text: it is new, or that of the same text before. -1 where it is empty."""
        lengths = np.diff(texts.offsets)
        found = np.full(len(lengths), -1, dtype=np.int32)
        # Room for the last text's last word.
        data = np.concatenate([texts.data, np.zeros(_WORD, dtype=np.uint8)])
        windows = np.ndarray(len(texts.data) + 1, dtype=">u8", buffer=data, strides=(1,))
        for length, rows in _by_length(lengths):
            if length not in self._of_length:
                self._of_length[length] = _Table(length)
            table = self._of_length[length]
            begins = texts.offsets[:-1][rows]
            words = windows[begins + _WORD * np.arange(table.width)[:, None]].astype(np.uint64)
            words[-1] &= table.mask
            known = table.count
            found[rows] = table.looked_up(words, self._n)
            self._n += table.count - known
        return found

    def finished(self, numbers: IntArray) -> Coded:
        """The column whose `numbers`, int32 [n], these were, which are replaced by the codes."""
        codes = np.full(self._n + 1, -1, dtype=np.int32)  # the last is that of -1
        data: list[IntArray] = [np.empty(0, dtype=np.uint8)]
        lengths: list[IntArray] = [np.zeros(1, dtype=np.int64)]
        before = 0
        for length, table in sorted(self._of_length.items()):
            order = table.order()
            codes[table.numbers(order)] = np.arange(before, before + len(order), dtype=np.int32)
            before += len(order)
            data.append(table.bytes(order))
            lengths.append(np.full(len(order), length, dtype=np.int64))
        for block in blocks(len(numbers)):
            numbers[block] = codes[numbers[block]]
        let_go(numbers)
        return Coded(numbers, Vocabulary(np.concatenate(data), np.concatenate(lengths).cumsum(), np.arange(self._n, dtype=np.int32)))


class _Table:
    """Tokens of one length, in the order in which they came, under open addressing.

    Attributes:
        width: words of a token.
        mask: of the last word, the bits that are the token's.
        count: how many there are.
    """

    def __init__(self, length: int) -> None:
        self.width = -(-length // _WORD)
        self.mask = np.uint64((1 << 64) - (1 << 8 * (self.width * _WORD - length)))
        self.count = 0
        self._length = length
        self._words: Words = np.empty((self.width, 0), dtype=np.uint64)
        self._numbers = np.empty(0, dtype=np.int32)
        self._slots = np.empty(0, dtype=np.int32)
        self._factors = np.cumprod(np.full(self.width, _GOLDEN))[:, None]

    def looked_up(self, words: Words, following: int) -> IntArray:
        """int32 [m] the numbers of tokens, uint64 [width, m]; those that are new get `following` and the numbers after it."""
        m = words.shape[1]
        self._make_room(m)
        found = np.empty(m, dtype=np.int32)
        rows, slot = np.arange(m), self._hashed(words)
        while len(rows):
            there = self._slots.take(slot)
            if len(empty := np.flatnonzero(there < 0)):
                # Of the rows that came to one slot, the last one written takes it, and the others are compared with that.
                self._slots[slot[empty]] = empty
                taker = empty[self._slots[slot[empty]] == empty]
                new = slice(self.count, self.count + len(taker))
                self._words[:, new] = words.take(taker, axis=1)
                self._numbers[new] = np.arange(following, following + len(taker))
                self._slots[slot[taker]] = np.arange(new.start, new.stop)
                self.count, following = new.stop, following + len(taker)
                there = self._slots.take(slot)
            found[rows] = self._numbers.take(there)
            other = np.flatnonzero((self._words.take(there, axis=1) != words).any(axis=0))
            rows, words = rows[other], words.take(other, axis=1)
            slot = (slot[other] + 1) & (len(self._slots) - 1)
        return found

    def order(self) -> IntArray:
        """int [count] the order of the tokens by their bytes."""
        order: IntArray = np.lexsort(self._words[::-1, : self.count])
        return order

    def numbers(self, order: IntArray) -> IntArray:
        """int32 [count] the numbers of the tokens in an order."""
        return self._numbers[order]

    def bytes(self, order: IntArray) -> IntArray:
        """uint8: the tokens in an order, end to end."""
        whole: IntArray = np.ascontiguousarray(self._words.take(order, axis=1).T, dtype=">u8").view(np.uint8)
        bytes_only: IntArray = whole[:, : self._length].ravel()
        return bytes_only

    def _hashed(self, words: Words) -> IntArray:
        sums = (words * self._factors).sum(axis=0, dtype=np.uint64)
        slots: IntArray = (sums >> np.uint64(65 - len(self._slots).bit_length())).astype(np.int64)
        return slots

    def _make_room(self, more: int) -> None:
        """For so many more tokens; at least half of the slots stay empty."""
        needed = self.count + more
        if needed > self._words.shape[1]:
            room = max(needed, 2 * self.count)
            words, numbers = np.empty((self.width, room), dtype=np.uint64), np.empty(room, dtype=np.int32)
            words[:, : self.count], numbers[: self.count] = self._words[:, : self.count], self._numbers[: self.count]
            self._words, self._numbers = words, numbers
        if 2 * needed > len(self._slots):
            self._slots = np.full(1 << (2 * needed - 1).bit_length(), -1, dtype=np.int32)
            rows = np.arange(self.count, dtype=np.int32)
            slot = self._hashed(self._words[:, : self.count])
            while len(rows):
                free = self._slots[slot] < 0
                self._slots[slot[free]] = rows[free]
                seated = self._slots[slot] == rows
                rows, slot = rows[~seated], (slot[~seated] + 1) & (len(self._slots) - 1)


def _by_length(lengths: IntArray) -> Iterator[tuple[int, IntArray | slice]]:
    """The rows of each length but 0."""
    if not len(lengths):
        return
    if lengths.min() == lengths.max():
        if lengths[0]:
            yield int(lengths[0]), slice(None)
        return
    order = np.argsort(lengths.astype(np.uint16) if lengths.max() < 1 << 16 else lengths, kind="stable")
    grouped = lengths[order]
    bounds = np.r_[np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]]), len(order)]
    for start, stop in pairwise(bounds.tolist()):
        if grouped[start]:
            yield int(grouped[start]), order[start:stop]


def frequent(coded: Coded, at_least: int) -> Coded:
    """The column in which tokens of fewer rows than `at_least` are missing."""
    if at_least <= 1:
        return coded
    keep = counted(coded.codes, len(coded.vocabulary)) >= at_least
    codes = np.append(np.where(keep, np.cumsum(keep) - 1, -1), -1).astype(np.int32)
    return Coded(taken(codes, coded.codes), coded.vocabulary.take(np.flatnonzero(keep)))
