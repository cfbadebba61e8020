"""The two-way table between the tokens of a log and the ids 0, 1, 2, ... of the library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from turret.core.interactions import IntArray


class Vocabulary:
    """Tokens by id, as UTF-8 bytes end to end so that they can be memory-mapped.

    Args:
        data: uint8 [total bytes].
        offsets: int64 [n + 1]; token i is `data[offsets[i]:offsets[i + 1]]`.
    """

    def __init__(self, data: IntArray, offsets: IntArray) -> None:
        self.data, self.offsets = data, offsets

    @classmethod
    def of(cls, tokens: Iterable[str]) -> Vocabulary:
        """The vocabulary that numbers `tokens`, all different, in their order."""
        encoded = [token.encode() for token in tokens]
        offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(token) for token in encoded], out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def token(self, index: int) -> str:
        """The token of an id; IndexError outside 0..n-1."""
        if not 0 <= index < len(self):
            raise IndexError(f"id {index} is outside 0..{len(self) - 1}")
        return bytes(self.data[self.offsets[index] : self.offsets[index + 1]]).decode()

    def tokens(self, ids: Sequence[int] | IntArray) -> list[str]:
        """The tokens of several ids."""
        return [self.token(int(index)) for index in ids]

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {self.token(index): index for index in range(len(self))}

    def id(self, token: str) -> int | None:
        """The id of a token, or None where the vocabulary lacks it."""
        return self._ids.get(token)
