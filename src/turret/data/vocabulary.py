"""The two-way table between the tokens of a log and the ids 0, 1, 2, ... of the library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from turret.core.interactions import IntArray, check_ids, check_offsets


class Vocabulary:
    """Tokens by id, as UTF-8 bytes end to end so that they can be memory-mapped.

    An id is found by bisection, so opening a vocabulary of millions costs nothing and a look-up some twenty comparisons.

    Args:
        data: uint8 [total bytes].
        offsets: int64 [n + 1]; token i is `data[offsets[i]:offsets[i + 1]]`.
        order: int [n] the ids sorted by their tokens (shorter ones first, then by bytes, so that numbers lie in numeric order); made at the
            first look-up where it is not given.
    """

    def __init__(self, data: IntArray, offsets: IntArray, order: IntArray | None = None) -> None:
        self.data, self.offsets, self._order = data, offsets, order

    @classmethod
    def of(cls, tokens: Iterable[str]) -> Vocabulary:
        """The vocabulary that numbers `tokens` in their order. Where a token repeats, `id` gives its first place."""
        encoded = [token.encode() for token in tokens]
        offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(token) for token in encoded], out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)

    @classmethod
    def union(cls, vocabularies: Iterable[Vocabulary]) -> Vocabulary:
        """The tokens of several, each once, shorter ones first, then by bytes."""
        tokens = sorted({token for vocabulary in vocabularies for token in vocabulary._all()}, key=_key)
        return cls.of(token.decode() for token in tokens)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def check(self, what: str) -> None:
        """Refuses arrays that do not fit together, which files can hold that were damaged, or made up.

        Args:
            what: the tokens are of.

        Raises:
            ValueError: the offsets do not divide the bytes, the order does not hold each id once, or a token is no UTF-8.
        """
        if self.data.dtype != np.uint8 or self.data.ndim != 1 or self.offsets.ndim != 1:
            raise ValueError(f"the tokens of {what} should be bytes")
        check_offsets(f"the offsets of {what}", self.offsets, len(self), len(self.data))
        if self._order is not None:
            check_ids(f"the order of {what}", self._order, len(self))
            if not np.array_equal(np.bincount(self._order, minlength=len(self)), np.ones(len(self))):
                raise ValueError(f"the order of {what} does not hold each id once")
        if not _is_text(self.data, self.offsets):
            raise ValueError(f"the tokens of {what} are not UTF-8")

    @property
    def order(self) -> IntArray:
        """int [n] the ids sorted by their tokens."""
        if self._order is None:
            keys = [_key(token) for token in self._all()]
            self._order = np.array(sorted(range(len(self)), key=keys.__getitem__), dtype=np.int32)
        return self._order

    def token(self, index: int) -> str:
        """The token of an id; IndexError outside 0..n-1."""
        if not 0 <= index < len(self):
            raise IndexError(f"id {index} is outside 0..{len(self) - 1}")
        return self._bytes(index).decode()

    def tokens(self, ids: Sequence[int] | IntArray) -> list[str]:
        """The tokens of several ids."""
        return [self.token(int(index)) for index in ids]

    def id(self, token: str) -> int | None:
        """The id of a token, or None where the vocabulary lacks it."""
        wanted = _key(token.encode())
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if _key(self._bytes(int(self.order[middle]))) < wanted:
                low = middle + 1
            else:
                high = middle
        if low == len(self):
            return None
        found = int(self.order[low])
        return found if _key(self._bytes(found)) == wanted else None

    def ids(self, tokens: Vocabulary) -> IntArray:
        """int64 [len(tokens)] the id here of each token of another vocabulary, -1 where this one lacks it."""
        from turret.kernels.text import merged

        found = np.full(len(tokens), -1, dtype=np.int64)
        merged(*self._arrays, *tokens._arrays, found)
        return found

    def encode(self, tokens: Vocabulary) -> IntArray:
        """int32 [len(tokens)] of each token its id here + 1, and 0 where this vocabulary lacks it."""
        return (self.ids(tokens) + 1).astype(np.int32)

    def take(self, ids: IntArray) -> Vocabulary:
        """The vocabulary of some of the tokens, numbered in the order of `ids` [m], all different."""
        lengths = (self.offsets[1:] - self.offsets[:-1])[ids]
        offsets = np.zeros(len(ids) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        source = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][ids] - offsets[:-1], lengths)
        place = np.empty(len(self), dtype=np.int64)
        place[self.order] = np.arange(len(self))
        return Vocabulary(np.asarray(self.data)[source], offsets, np.argsort(place[ids], kind="stable").astype(np.int32))

    def __iter__(self) -> Iterator[str]:
        """The tokens in the order of their ids."""
        return (token.decode() for token in self._all())

    @property
    def _arrays(self) -> tuple[IntArray, IntArray, IntArray]:
        return np.asarray(self.data), np.asarray(self.offsets), np.asarray(self.order)

    def _all(self) -> list[bytes]:
        data, offsets = self.data.tobytes(), self.offsets.tolist()
        return [data[start:stop] for start, stop in pairwise(offsets)]

    def _bytes(self, index: int) -> bytes:
        return bytes(self.data[self.offsets[index] : self.offsets[index + 1]])


def _key(token: bytes) -> tuple[int, bytes]:
    return len(token), token


def _is_text(data: IntArray, offsets: IntArray) -> bool:
    """Whether the bytes are UTF-8 and no token begins amid a character."""
    try:
        data.tobytes().decode()
    except UnicodeDecodeError:
        return False
    begins = data[offsets[:-1][offsets[:-1] < len(data)]]
    return not np.any((begins & 0xC0) == 0x80)
