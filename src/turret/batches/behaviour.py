"""What the user of each impression had chosen before it: the histories of rankers, in which no row sees its own future."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from turret.core.interactions import FloatArray, IntArray
from turret.data.prepared import FOLD_IN, TEST, TRAIN, VALID, Prepared


class Earlier:
    """The choices of all users, sorted by user and time, and how many of them lie before a moment.

    A training row is preceded by choices of the training part alone, a later row by all that the log holds before its moment. Choices of
    the same moment do not count: an impression's own outcome is among them.

    Args:
        prepared: the dataset, with times.
        part: of the rows that will be asked about.
        longest: L, the choices kept a row, the latest ones.
    """

    def __init__(self, prepared: Prepared, part: str, longest: int) -> None:
        choices = prepared.chosen(*((TRAIN,) if part == TRAIN else (TRAIN, FOLD_IN, VALID, TEST)))
        assert choices.time is not None
        self.longest = longest
        known = np.asarray(choices.item) < prepared.n_items
        user, time = np.asarray(choices.user)[known], np.asarray(choices.time)[known]
        # One value more, for rows without a past to point at.
        self.items = torch.tensor(np.append(np.asarray(choices.item)[known], 0), dtype=torch.int32)
        self._moments = np.unique(time)
        self._keys = self._key(user, time)
        self._first = np.searchsorted(user, np.arange(choices.n_users + 1))

    def spans(self, user: IntArray, time: FloatArray) -> tuple[IntArray, IntArray]:
        """int64 [n] each: the first and one past the last of the choices, places in `items`, that precede each row."""
        stop = np.searchsorted(self._keys, self._key(user, time))
        return np.maximum(self._first[user], stop - self.longest), stop

    def _key(self, user: IntArray, time: FloatArray) -> IntArray:
        """Orders by user, then by moment; a row between two moments comes before the later one's choices and after the earlier one's."""
        return np.asarray(user, dtype=np.int64) * (len(self._moments) + 1) + np.searchsorted(self._moments, time)


def unroll(items: Tensor, start: Tensor, stop: Tensor) -> tuple[Tensor, Tensor]:
    """The spans `items[start:stop]` [B] side by side: items int64 [B, L] and mask bool [B, L], filled up on the right (L is at least 1)."""
    lengths = stop - start
    steps = torch.arange(max(int(lengths.max()), 1) if len(lengths) else 1, device=start.device)
    mask = steps < lengths[:, None]
    return items[(start[:, None] + steps) * mask].long() * mask, mask
