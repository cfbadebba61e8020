"""Groups of users by activity and of items by popularity, fitted on the training part alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from turret.core.interactions import FloatArray, IntArray, Interactions, Ragged
from turret.evaluation.places import Places
from turret.evaluation.ranked import RANKED

USER_ACTIVITY, ITEM_POPULARITY = "user_activity", "item_popularity"
UNSEEN = "unseen"


@dataclass(frozen=True)
class Grouping:
    """A group for each id.

    Attributes:
        names: of the groups; the last is `unseen`, of ids that training does not have.
        of: int64 [n] the group of each id.
    """

    names: tuple[str, ...]
    of: IntArray


def by_activity(train: Interactions, n_users: int) -> Grouping:
    """Users by their rows in training, cut at the quartiles of training's users: `1-19 rows`, `20-54 rows`, ..."""
    counts = np.bincount(train.user, minlength=n_users)
    seen = counts[counts > 0]
    if not len(seen):
        return Grouping((UNSEEN,), np.zeros(n_users, dtype=np.int64))
    least = np.unique(np.quantile(seen, [0, 0.25, 0.5, 0.75], method="higher"))
    ends = [*(least[1:] - 1), seen.max()]
    names = [f"{low}-{high} rows" if low < high else f"{low} rows" if low > 1 else "1 row" for low, high in zip(least, ends, strict=True)]
    return Grouping((*names, UNSEEN), np.where(counts > 0, np.searchsorted(least, counts, side="right") - 1, len(names)))


def by_popularity(train: Interactions, n_items: int) -> Grouping:
    """Items by their rows in training: the `head` are the most popular items, as many as it takes for a third of the rows, the `middle`
    those for the second third, the `tail` all others. Items with equally many rows are in one group."""
    counts = np.bincount(train.item, minlength=n_items)
    if not counts.any():
        return Grouping((UNSEEN,), np.zeros(len(counts), dtype=np.int64))
    falling = np.sort(counts)[::-1]
    up_to = np.cumsum(falling) / falling.sum()
    head, middle = falling[np.searchsorted(up_to, [1 / 3, 2 / 3])]
    of = np.select([counts == 0, counts >= head, counts >= middle], [3, 0, 1], default=2)
    return Grouping(("head", "middle", "tail", UNSEEN), of)


def of_users(grouping: Grouping, users: IntArray, per_user: Mapping[str, FloatArray]) -> dict[str, dict[str, float]]:
    """Means of per-user metrics over the users of each group; a group without users is absent."""
    found: dict[str, dict[str, float]] = {}
    for chosen, name in enumerate(grouping.names):
        rows = np.flatnonzero(grouping.of[users] == chosen)
        if len(rows):
            means = {metric: float(np.nanmean(values[rows])) for metric, values in per_user.items() if np.isfinite(values[rows]).any()}
            found[name] = {"users": float(len(rows)), **means}
    return found


def of_items(grouping: Grouping, places: Places, truth: Ragged, cutoffs: Mapping[str, tuple[str, int]]) -> dict[str, dict[str, float]]:
    """Ranking metrics that count only the right items of one group, over users who have one; a group that nobody has is absent.

    Args:
        grouping: of the items.
        places: in the ranking of all items.
        truth: the right items that these are the places of.
        cutoffs: metric and cutoff by the name to report.
    """
    found: dict[str, dict[str, float]] = {}
    for chosen, name in enumerate(grouping.names):
        within, rows = places.among(grouping.of, chosen, truth)
        if len(rows):
            means = {label: float(RANKED[metric](within, k).mean()) for label, (metric, k) in cutoffs.items()}
            found[name] = {"users": float(len(rows)), **means}
    return found
