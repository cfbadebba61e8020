"""Where a ranking has the right items: all that the ranking metrics are functions of.

Letters: U users, K length of the lists, h right items that have a place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turret.core.interactions import FloatArray, IntArray, Ragged

ROWS = 1 << 12
"""Users whose lists are looked at together, so that what is needed for it does not grow with their number."""


@dataclass(frozen=True)
class Places:
    """The places of right items, sorted by user and place. Right items without a place (below the list, without a score, unknown to the
    model) are counted in `asked` alone.

    Attributes:
        user: int64 [h] the row of the user, 0..U-1.
        item: int64 [h].
        at: float64 [h] the place, 1 for the top. Where ties are split half way it can be a half.
        asked: int64 [U] how many right items each user has, with and without a place; at least 1.
    """

    user: IntArray
    item: IntArray
    at: FloatArray
    asked: IntArray

    @property
    def order(self) -> IntArray:
        """int64 [h] 1 for the user's first right item from the top, 2 for the second, ..."""
        first = np.searchsorted(self.user, self.user, side="left")
        return np.arange(1, len(self.user) + 1) - first

    def among(self, group: IntArray, chosen: int, truth: Ragged) -> tuple[Places, IntArray]:
        """The same ranking asked for the items of one group alone.

        Args:
            group: int [I'] the group of every item that `truth` can hold.
            chosen: which group.
            truth: the right items that these are the places of.

        Returns:
            The places for the users that have right items in the group, and the rows that these users had.
        """
        owner = np.repeat(np.arange(len(truth)), truth.lengths)
        asked = np.bincount(owner[group[truth.values] == chosen], minlength=len(truth))
        rows = np.flatnonzero(asked)
        kept = group[self.item] == chosen
        return Places(np.searchsorted(rows, self.user[kept]), self.item[kept], self.at[kept], asked[rows]), rows


def in_lists(lists: IntArray, truth: Ragged) -> Places:
    """The places that recommended lists give to the right items.

    Args:
        lists: int [U, K], -1 where a list is shorter.
        truth: the right items of each user, ascending.
    """
    width = int(max(truth.values.max(initial=-1), lists.max(initial=-1))) + 2
    found = [np.empty(0, dtype=np.int64)]
    for start in range(0, len(lists), ROWS):
        some, offsets = lists[start : start + ROWS], truth.offsets[start : start + ROWS + 1]
        rows = np.arange(len(some))
        wanted = np.repeat(rows, np.diff(offsets)) * width + truth.values[offsets[0] : offsets[-1]]
        given = (rows[:, None] * width + some).ravel()
        at = np.searchsorted(wanted, given)
        # A list that is too short names -1, which would be the last but one item of the row before.
        right = (np.append(wanted, -1)[at] == given) & (some.ravel() >= 0)
        found.append(np.flatnonzero(right) + start * lists.shape[1])
    hits = np.concatenate(found)
    user, place = np.divmod(hits, max(lists.shape[1], 1))
    return Places(user, lists.ravel()[hits].astype(np.int64), place + 1.0, truth.lengths)


def by_comparison(truth: Ragged, scored: Ragged, above: IntArray, level: IntArray, ties: str) -> Places:
    """Places counted out for every right item, however deep, with a rule for ties.

    Of e items with the same score, g items above them and m right ones among them, the t-th right one stands at g + t (standard), at
    g + (e - m) + t (conservative), or half way between the two (median).

    Args:
        truth: the right items of each user.
        scored: those of them that the model knows; m in all.
        above: int64 [m] how many items score higher.
        level: int64 [m] how many score the same, itself included; 0 where it has no score.
        ties: standard, conservative or median.
    """
    user = np.repeat(np.arange(len(scored)), scored.lengths)
    order = np.lexsort((above, user))
    order = order[level[order] > 0]
    user, item, above, level = user[order], scored.values[order].astype(np.int64), above[order], level[order]
    fresh = np.ones(len(user), dtype=bool)
    fresh[1:] = (user[1:] != user[:-1]) | (above[1:] != above[:-1])
    start = np.flatnonzero(fresh)
    tied = np.diff(np.append(start, len(user)))
    turn = np.arange(len(user)) - np.repeat(start, tied) + 1
    wrong = level - np.repeat(tied, tied)
    share = {"standard": 0.0, "median": 0.5, "conservative": 1.0}[ties]
    return Places(user, item, above + turn + share * wrong, truth.lengths)
