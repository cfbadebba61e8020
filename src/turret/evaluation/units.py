"""What intervals draw as a whole: users, or groups of rows of a log that knows no users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turret.core.interactions import IntArray
from turret.data.prepared import Prepared

USERS, ROWS = "users", "groups of rows"
MOST = 1000
"""Groups of rows there are at most."""


@dataclass(frozen=True)
class Units:
    """The units of a part of n rows.

    Rows of a log without users count as independent. They are taken in groups of neighbours, as many as `MOST` of equal size, so that what
    rows of one time have in common stays together.

    Attributes:
        kind: `USERS` or `ROWS`.
        ids: int64 [U] the users, or the numbers of the groups.
        of_user: int32 [highest id + 1] the unit of each user; None for groups.
        user: int [n] the users of the rows.
    """

    kind: str
    ids: IntArray
    user: IntArray
    of_user: IntArray | None = None

    @classmethod
    def of(cls, prepared: Prepared, part: str) -> Units:
        """Those of a part, each with a row at least."""
        user = prepared.interactions(part).user
        if not prepared.n_users:
            return cls(ROWS, np.arange(min(len(user), MOST)), user)
        seen = np.zeros(len(prepared.users.vocabulary), dtype=bool)
        seen[user] = True
        return cls(USERS, np.flatnonzero(seen), user, (np.cumsum(seen) - 1).astype(np.int32))

    def __len__(self) -> int:
        return len(self.ids)

    def of_rows(self, start: int, stop: int) -> IntArray:
        """int [stop - start] the unit of each of these rows."""
        if self.of_user is not None:
            return self.of_user[self.user[start:stop]]
        return np.arange(start, stop) * len(self) // len(self.user)
