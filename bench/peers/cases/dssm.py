"""DSSM: two towers on ids and features, against the other items of the batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.peers.case import Alike, Case, Facts, Size, Work
from bench.peers.logs import Pairs, numbered, published, published_pairs, tastes, write_split

SETTINGS = {"width": 64, "layers": [128], "batch": 512, "rate": 0.001, "temperature": 0.2, "std": 0.1}
"""Of both sides: width of the features' vectors and of what the towers make, hidden layers, pairs a step, learning rate, what cosines are
divided by, deviation that the vectors begin with."""
BANDS, KINDS = 16, 100


def _movielens(folder: Path) -> Facts:
    """MovieLens 100K: age, gender and occupation of users; year and first class of items."""
    log, users, items = (published("ml-100k", f"ml-100k.{table}") for table in ("inter", "user", "item"))
    user, item = numbered(log["user_id"]), numbered(log["item_id"])
    facts = write_split((user, item), folder)
    first = [" ".join(each.split()[:1]) for each in items["class"]]
    of_users = _in_order(users["user_id"], log["user_id"], [users["age"], users["gender"], users["occupation"]])
    of_items = _in_order(items["item_id"], log["item_id"], [items["release_year"], first])
    known = _kept(folder, (user, item))
    return facts | _describe(folder, "user", of_users[known[0]]) | _describe(folder, "item", of_items[known[1]])


def _in_order(tokens: list[str], appear: list[str], columns: list[list[str]]) -> np.ndarray:
    """Numbers from 1 of the values of a table's columns, for its rows in the order in which their tokens first appear in a log."""
    row = {token: number for number, token in enumerate(tokens)}
    table = np.column_stack([numbered(column) + 1 for column in columns])
    return table[[row[token] for token in dict.fromkeys(appear)]]


def _kept(folder: Path, pairs: Pairs) -> Pairs:
    """The users and items that a written split has kept, in its numbers' order: those that its training part has.

    Raises:
        ValueError: pairs of the training part are not among the pairs.
    """
    train = [np.load(folder / f"train_{side}.npy") for side in ("user", "item")]
    held = np.random.default_rng(1).random(len(pairs[0])) < 0.1  # as `write_split` draws
    kept = np.unique(pairs[0][~held]), np.unique(pairs[1][~held])
    if not all(np.array_equal(known[ids], side[~held]) for known, ids, side in zip(kept, train, pairs, strict=True)):
        raise ValueError("the split is not the one that was written")
    return kept


def _bands(folder: Path, pairs: Pairs) -> Facts:
    """Any log: of users and items alike, how often they occur in training, in powers of two, and a kind that means nothing."""
    facts = write_split(pairs, folder)
    draw = np.random.default_rng(2)
    for side in ("user", "item"):
        count = np.bincount(np.load(folder / f"train_{side}.npy"), minlength=facts[f"{side}s"])
        band = np.minimum(np.log2(count).astype(np.int64), BANDS - 1) + 1
        facts |= _describe(folder, side, np.column_stack([band, draw.integers(1, KINDS + 1, len(count))]))
    return facts


def _describe(folder: Path, side: str, features: np.ndarray) -> Facts:
    np.save(folder / f"{side}_features.npy", features.astype(np.int32))
    return {f"{side}_sizes": (features.max(axis=0) + 1).tolist()}


def _write(size: Size, folder: Path) -> Facts:
    """Pairs, and int32 `user_features` and `item_features` (users or items, columns) with numbers from 1."""
    if size.words["data"] == "ml-100k":
        return _movielens(folder)
    if size.words["data"] == "gowalla":
        return _bands(folder, published_pairs("gowalla"))
    return _bands(folder, tastes(size.words["users"], size.words["items"], size.words["rows"]))


def _work(facts: Facts) -> Work:
    wide = [(1 + len(facts[f"{side}_sizes"])) * SETTINGS["width"] for side in ("user", "item")]
    towers = sum(each * SETTINGS["layers"][0] + SETTINGS["layers"][0] * SETTINGS["width"] for each in wide)
    scores = SETTINGS["batch"] * SETTINGS["width"]
    words = "the products of both towers and of all scores of a batch, forth, and twice as many back; vectors read and written once"
    return Work(6 * (towers + scores) * facts["rows"], 2 * 4 * sum(wide) * facts["rows"], words)


# `round` steps (0: an epoch) are trained to warm up, then `measured` times as many are measured; an epoch's seconds are told in proportion.
CASE = Case(
    name="dssm",
    title="DSSM with negatives from the batch",
    measured="seconds of an epoch",
    sizes=(
        Size("ml-100k", {"data": "ml-100k", "round": 0, "measured": 4, **SETTINGS}, rounds=3),
        Size("gowalla", {"data": "gowalla", "round": 200, "measured": 4, **SETTINGS}, rounds=3),
        Size(
            "2M",
            {"data": "tastes", "users": 100_000, "items": 50_000, "rows": 2_500_000, "round": 100, "measured": 4, **SETTINGS},
            rounds=3,
        ),
    ),
    sides=("turret", "torch-rechub"),
    script="dssm",
    write=_write,
    work=_work,
    alike=(Alike("ndcg@10", 0.01),),
    grows="rows",
)
