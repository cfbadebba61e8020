"""What the user of each impression had chosen before it: the histories of rankers, in which no row sees its own future."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from turret.core.context import History
from turret.data.prepared import FOLD_IN, TEST, TRAIN, VALID, Prepared

EVERYTHING = (TRAIN, FOLD_IN, VALID, TEST)
KNOWN = {TRAIN: (TRAIN,), VALID: (TRAIN, FOLD_IN, VALID)}
"""The parts whose choices may precede rows of a part; those of any other part, `EVERYTHING`."""


class Earlier:
    """The choices of all users, sorted by user and time, and which of them lie before a moment.

    A training row is preceded by choices of the training part alone. A row of validation is preceded by all but those of the test, which
    may lie before it where the split is not in time: they would have a say in when training stops. Any other row is preceded by all that
    the log holds before its moment. Choices of the same moment do not count: an impression's own outcome is among them.

    Args:
        prepared: the dataset, with times.
        part: of the rows that will be asked about.
        longest: L, the choices kept a row, the latest ones.
        device: where histories are built.
    """

    def __init__(self, prepared: Prepared, part: str, longest: int, device: torch.device | str = "cpu") -> None:
        choices = prepared.chosen(*KNOWN.get(part, EVERYTHING))
        assert choices.time is not None
        self.longest, self.device = longest, torch.device(device)
        known = np.asarray(choices.item) < prepared.n_items
        user = torch.tensor(np.asarray(choices.user)[known], dtype=torch.int64, device=device)
        time = torch.tensor(np.asarray(choices.time)[known], dtype=torch.float64, device=device)
        # One value more, for rows without a past to point at.
        self._items = torch.tensor(np.append(np.asarray(choices.item)[known], 0), dtype=torch.int32, device=device)
        self._moments = torch.unique(time)
        self._keys = self._key(user, time)
        self._first = torch.searchsorted(user, torch.arange(choices.n_users + 1, device=device))

    def before(self, users: Tensor, times: Tensor) -> History:
        """The histories of rows, by user int64 [B] and moment float64 [B]."""
        stop = torch.searchsorted(self._keys, self._key(users, times))
        start = torch.maximum(self._first[users], stop - self.longest)
        lengths = stop - start
        steps = torch.arange(max(int(lengths.max()), 1) if len(lengths) else 1, device=users.device)
        mask = steps < lengths[:, None]
        return History(self._items[(start[:, None] + steps) * mask].long() * mask, mask)

    def _key(self, users: Tensor, times: Tensor) -> Tensor:
        """Orders by user, then by moment; a row between two moments comes before the later one's choices and after the earlier one's."""
        return users * (len(self._moments) + 1) + torch.searchsorted(self._moments, times)
