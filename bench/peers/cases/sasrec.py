"""SASRec with the softmax over all items. An epoch is not the same work for all, so what is measured is the time to the same quality."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.peers.case import Alike, Case, Facts, Size, Target, Work
from bench.peers.logs import numbered, published
from bench.peers.race import settle

WIDTH, LENGTH, LAYERS = 64, 50, 2


def walks(users: int, items: int, mean: int, groups: int = 100, successors: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Sequences to learn from, users one after another: half the steps go to one of a few successors of the item before, half elsewhere in
    the user's group. No user has an item twice, and none fewer than three."""
    draw = np.random.default_rng(0)
    size = items // groups
    group = draw.integers(0, groups, users)
    follows = draw.integers(0, items, (items, successors))
    lengths = np.clip(draw.geometric(1 / (mean - 4), users) + 4, 5, 2 * LENGTH)

    def anywhere() -> np.ndarray:
        return (size * draw.random(users) ** 2).astype(np.int64) * groups + group

    sequences = np.empty((users, int(lengths.max())), dtype=np.int64)
    sequences[:, 0] = anywhere()
    for step in range(1, sequences.shape[1]):
        next_item = follows[sequences[:, step - 1], (successors * draw.random(users) ** 2).astype(np.int64)]
        sequences[:, step] = np.where(draw.random(users) < 0.5, next_item, anywhere())
    kept = np.arange(sequences.shape[1]) < lengths[:, None]
    user, item = np.repeat(np.arange(users), lengths), sequences[kept]
    _, first = np.unique(user * items + item, return_index=True)
    user, item = user[np.sort(first)], item[np.sort(first)]
    long = np.bincount(user, minlength=users)[user] > 2
    return user[long], item[long]


def _published(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A real log, users one after another, each in the order of time."""
    table = published(name, f"{name}.inter")
    user, item = numbered(table["user_id"]), numbered(table["item_id"])
    order = np.lexsort((np.array(table["timestamp"], dtype=np.float64), user))
    return user[order], item[order]


def _write(size: Size, folder: Path) -> Facts:
    """Each user's last item is the test part, all before it the training part."""
    words = size.words
    user, item = walks(words["users"], words["items"], words["mean"]) if "users" in words else _published(words["log"])
    last = np.append(user[1:] != user[:-1], True)
    users, items = np.unique(user[~last]), np.unique(item[~last])
    parts = {"train": ~last, "test": last & np.isin(item, items) & np.isin(user, users)}
    for part, chosen in parts.items():
        np.save(folder / f"{part}_user.npy", np.searchsorted(users, user[chosen]))
        np.save(folder / f"{part}_item.npy", np.searchsorted(items, item[chosen]))
    latest = np.minimum(np.bincount(np.searchsorted(users, user[~last])) - 1, LENGTH)
    return {
        "users": len(users),
        "items": len(items),
        "rows": int((~last).sum()),
        "test_rows": int(parts["test"].sum()),
        "targets": int(latest.sum()),
    }


def _work(facts: Facts) -> Work:
    dense = facts["targets"] * LAYERS * 5 * WIDTH**2
    return Work(
        3 * 2 * (dense + facts["targets"] * facts["items"] * WIDTH),
        7 * 4 * facts["items"] * WIDTH,
        "one epoch of the many: for each target of the latest 50 of each user five square layers a block and the scores of all items, one"
        " product forth and two back",
    )


def _race(batch: int, looks: int, within: float, judged: int) -> dict[str, float]:
    return {"batch": batch, "looks": looks, "within": within, "patience": 10, "judged": judged}


CASE = Case(
    name="sasrec",
    title="SASRec, softmax over all items",
    measured="seconds of training until the held-out item is ranked as well as all come to",
    # `batch` is of users, with about 2,048 targets, and `looks` how often Turret's lists are judged in an epoch.
    sizes=(
        Size("1k", {"users": 2_000, "items": 1_000, "mean": 20, **_race(112, 1, 90, 2_000)}, rounds=1),
        Size("3k", {"users": 5_000, "items": 3_000, "mean": 20, **_race(112, 1, 150, 5_000)}, rounds=1),
        Size("amazon-beauty", {"log": "amazon-beauty", **_race(300, 4, 240, 10_000)}, rounds=1),
    ),
    sides=("turret", "recbole", "rectools"),
    script="sasrec",
    write=_write,
    work=_work,
    alike=(Alike("ndcg@10", 0.01),),
    grows="targets",
    targets=tuple(Target(size, peer, 3.0) for size in ("1k", "3k", "amazon-beauty") for peer in ("recbole", "rectools")),
    settle=settle,
)
