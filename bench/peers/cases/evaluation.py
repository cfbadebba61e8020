"""Full ranking: the vectors of users and items are given, and recall and NDCG of the best items of every user are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.peers.case import Alike, Case, Facts, Size, Target, Work

WIDTH, SEEN, ASKED, LENGTH = 64, 50, 5, 20


def _write(size: Size, folder: Path) -> Facts:
    """Random vectors of items, and users drawn towards what they have seen and are asked for.

    `user` and `item` are float32 (count, width); the pairs of every user, different ones, are in order of users.
    """
    users, items = size.words["users"], size.words["items"]
    draw = np.random.default_rng(0)
    first = draw.integers(0, items, (users, 1))
    taken = (first + draw.integers(1, items // (2 * (SEEN + ASKED)), (users, SEEN + ASKED)).cumsum(1)) % items
    taken = taken[:, draw.permutation(SEEN + ASKED)]
    user, item = (draw.standard_normal((count, WIDTH), dtype=np.float32) for count in (users, items))
    for column, pull in enumerate([0.05] * SEEN + [0.2] * ASKED):
        user += np.float32(pull) * item[taken[:, column]]
    np.save(folder / "user.npy", user)
    np.save(folder / "item.npy", item)
    for part, columns in {"train": taken[:, :SEEN], "test": taken[:, SEEN:]}.items():
        np.save(folder / f"{part}_user.npy", np.repeat(np.arange(users), columns.shape[1]))
        np.save(folder / f"{part}_item.npy", columns.ravel())
    return {"users": users, "items": items, "scores": users * items}


def _work(facts: Facts) -> Work:
    users, items = facts["users"], facts["items"]
    moved = 4 * WIDTH * (users + items) + 4 * users * (SEEN + ASKED)
    return Work(2.0 * WIDTH * users * items, moved, "a product of 64 numbers for each user and item; vectors and pairs read once")


def _size(count: int, rounds: int, once: tuple[str, ...] = ()) -> Size:
    return Size(f"{count // 1000}k", {"users": count, "items": count, "width": WIDTH, "length": LENGTH}, rounds, once=once)


CASE = Case(
    name="evaluation",
    title="Full ranking",
    measured="seconds until recall@20 and NDCG@20 of all users over all items, those of training left out, are known",
    sizes=(_size(5_000, 5), _size(15_000, 3), _size(50_000, 3, once=("recbole", "ranx"))),
    sides=("turret", "recbole", "ranx", "rectools"),
    script="evaluation",
    write=_write,
    work=_work,
    alike=(Alike(f"recall@{LENGTH}", 1e-4, exact=True), Alike(f"ndcg@{LENGTH}", 1e-4, exact=True)),
    grows="scores",
    targets=(Target("50k", "recbole", 5.0, memory=5.0),),
)
