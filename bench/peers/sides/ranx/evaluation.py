"""Full ranking by NumPy, which makes the lists, and ranx, which judges them.

ranx takes arrays beside its own objects, which need text for names; arrays are by far the faster way. It compiles at the first use.
"""

from __future__ import annotations

import time

import numpy as np
from ranx import evaluate
from stand import Stand

CELLS = 1 << 24
"""Scores held at a time: 64 MiB, and about as much for the order."""
WARMING = 16
"""Users with whom everything is done once before it is measured, which compiles and loads what is needed."""


def ranked(user: np.ndarray, item: np.ndarray, seen: tuple[np.ndarray, np.ndarray], length: int) -> np.ndarray:
    """The best items of each user, int64 (users, length), a block of users at a time; `seen` are rows, ascending, and items."""
    lists, block = np.empty((len(user), length), dtype=np.int64), CELLS // len(item)
    for start in range(0, len(user), block):
        vectors = user[start : start + block]
        some = slice(*np.searchsorted(seen[0], [start, start + len(vectors)]))
        scores = vectors @ item.T
        scores[seen[0][some] - start, seen[1][some]] = -np.inf
        best = np.argpartition(scores, len(item) - length, axis=1)[:, -length:]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
        lists[start : start + block] = np.take_along_axis(best, order, 1)
    return lists


def judged(lists: np.ndarray, wanted: np.ndarray, length: int) -> dict[str, float]:
    """ranx's metrics of lists (users, length), best first, of which `wanted` holds the right ones (users, pairs, item and gain)."""
    scores = np.broadcast_to(np.arange(length, 0, -1), lists.shape)
    return evaluate(wanted, np.stack([lists, scores], axis=2).astype(np.float64), [f"recall@{length}", f"ndcg@{length}"])


stand = Stand()
length = stand.words["length"]
user, item = stand.array("user"), stand.array("item")
seen = stand.array("train_user"), stand.array("train_item")
right = stand.array("test_item").reshape(len(user), -1)
wanted = np.stack([right, np.ones_like(right)], axis=2).astype(np.float64)
start = time.perf_counter()
judged(ranked(user[:WARMING], item, (seen[0][seen[0] < WARMING], seen[1][seen[0] < WARMING]), length), wanted[:WARMING], length)
first = time.perf_counter() - start
with stand.measuring():
    found = judged(ranked(user, item, seen, length), wanted, length)
stand.tell(stand.seconds[0], {name: float(value) for name, value in found.items()}, first=first)
