"""Interaction logs for the cases: random ones with long tails, and real ones; split, numbered, and written as arrays that all sides read.

The arrays are `train_user`, `train_item`, `test_user` and `test_item`, int64 (pairs,), ids from 0, and every pair occurs once. Where the
order of a user's items matters they are in order.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from bench.peers.case import Facts, Size

Pairs = tuple[np.ndarray, np.ndarray]


def random_pairs(users: int, items: int, rows: int, tail: tuple[float, float] = (1.5, 2.5)) -> Pairs:
    """Pairs, each at most once, in random order; how often a user or an item occurs falls off the faster the larger its `tail`."""
    draw = np.random.default_rng(0)
    user = draw.permutation(users)[(users * draw.random(rows) ** tail[0]).astype(np.int64)]
    item = draw.permutation(items)[(items * draw.random(rows) ** tail[1]).astype(np.int64)]
    pairs = draw.permutation(np.unique(user * items + item))
    return pairs // items, pairs % items


def tastes(users: int, items: int, rows: int, groups: int = 50) -> Pairs:
    """Pairs as `random_pairs`, of users who mostly take items of two groups of their own: there is something to learn."""
    draw = np.random.default_rng(0)
    user = draw.permutation(users)[(users * draw.random(rows) ** 1.5).astype(np.int64)]
    likes = draw.integers(0, groups, (users, 2))
    group = likes[user, draw.integers(0, 2, rows)]
    astray = draw.random(rows) < 0.2
    group[astray] = draw.integers(0, groups, int(astray.sum()))
    place = (items // groups * draw.random(rows) ** 2.5).astype(np.int64)
    item = draw.permutation(items)[place * groups + group]
    pairs = draw.permutation(np.unique(user * items + item))
    return pairs // items, pairs % items


def published(name: str, file: str) -> dict[str, list[str]]:
    """The columns of a real log, found as `turret` finds it, as text.

    Raises:
        SystemExit: it is not there.
    """
    path = _place(name, file)
    if not path.is_file():
        raise SystemExit(f"{name}/{file} is looked for in the folder that TURRET_DATA names, and is not there")
    with path.open(encoding="utf-8") as lines:
        header = [column.split(":")[0] for column in next(lines).rstrip("\n").split("\t")]
        rows = [line.rstrip("\n").split("\t") for line in lines]
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def published_pairs(name: str) -> Pairs:
    """All pairs of a real log in its order, each once, with users and items numbered by first appearance."""
    parts = [f"{name}.{part}.inter" for part in ("train", "test")]
    tables = [published(name, part) for part in (parts if _place(name, parts[0]).is_file() else [f"{name}.inter"])]
    user = numbered([each for table in tables for each in table["user_id"]])
    item = numbered([each for table in tables for each in table["item_id"]])
    _, first = np.unique(user * (int(item.max()) + 1) + item, return_index=True)
    kept = np.sort(first)
    return user[kept], item[kept]


def _place(name: str, file: str) -> Path:
    return Path(os.environ.get("TURRET_DATA", "absent")) / name / file


def numbered(values: list[str]) -> np.ndarray:
    """Numbers from 0 by first appearance."""
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(value, len(seen)) for value in values], dtype=np.int64)


def write_split(pairs: Pairs, folder: Path, share: float = 0.1) -> Facts:
    """Writes a random `share` of the pairs as the test part, the others as the training part.

    Users and items that training lacks are left out of the test part, and the numbers of both are made dense.
    """
    user, item = pairs
    held = np.random.default_rng(1).random(len(user)) < share
    users, items = np.unique(user[~held]), np.unique(item[~held])
    parts = {"train": ~held, "test": held & np.isin(user, users) & np.isin(item, items)}
    for part, chosen in parts.items():
        np.save(folder / f"{part}_user.npy", np.searchsorted(users, user[chosen]))
        np.save(folder / f"{part}_item.npy", np.searchsorted(items, item[chosen]))
    return {"users": len(users), "items": len(items), "rows": int(parts["train"].sum()), "test_rows": int(parts["test"].sum())}


def write_log(size: Size, folder: Path) -> Facts:
    """Splits a log that is drawn, where the words of the size say how large, or else the real one that the size is named for."""
    words = size.words
    return write_split(tastes(words["users"], words["items"], words["rows"]) if "users" in words else published_pairs(size.name), folder)
