"""Models of a knowledge graph: as many epochs for all, the quality of the best of them, and the time of one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers.case import Alike, Case, Facts, Size, Target, Work
from bench.peers.logs import numbered, published

WIDTH, LAYERS, HOPS, RIPPLES, NEIGHBOURS, BATCH, RATE = 64, 2, 2, 16, 4, 2048, 0.005
KEPT = ("train", "valid", "test")


def _write(size: Size, folder: Path) -> Facts:
    """A random share of each user's items is the validation part, another the test part, and all else the training part.

    Items of which the graph tells nothing are left out, since RecBole knows no others. Entities 0..items-1 are the items of the training
    part.
    """
    words = size.words
    log, links, graph = (published(words["log"], f"{words['log']}.{kind}") for kind in ("inter", "link", "kg"))
    told = {*graph["head_id"], *graph["tail_id"]}
    entity_of = {item: entity for item, entity in zip(links["item_id"], links["entity_id"], strict=True) if entity in told}
    pairs = dict.fromkeys(pair for pair in zip(log["user_id"], log["item_id"], strict=True) if pair[1] in entity_of)
    user, entity = numbered([user for user, _ in pairs]), [entity_of[item] for _, item in pairs]
    part = _split(user, words["valid"], words["test"])

    number: dict[str, int] = {}
    for token in (entity[row] for row in np.flatnonzero(part == 0)):
        number.setdefault(token, len(number))
    items, counts = len(number), {}
    for code, name in enumerate(KEPT):
        rows = [row for row in np.flatnonzero(part == code) if entity[row] in number]
        np.save(folder / f"{name}_user.npy", user[rows])
        np.save(folder / f"{name}_item.npy", np.array([number[entity[row]] for row in rows], dtype=np.int64))
        counts[name] = len(rows)

    triples = np.array(
        [
            [number.setdefault(head, len(number)), number.setdefault(tail, len(number))]
            for head, tail in zip(graph["head_id"], graph["tail_id"], strict=True)
        ]
    )
    relations = numbered(graph["relation_id"])
    triples = np.unique(np.column_stack([triples[:, 0], relations, triples[:, 1]]), axis=0)
    np.save(folder / "triples.npy", triples)
    return {
        "users": int(user.max()) + 1,
        "items": items,
        "rows": counts["train"],
        "valid_rows": counts["valid"],
        "test_rows": counts["test"],
        "triples": len(triples),
        "entities": len(number),
        "relations": int(relations.max()) + 1,
        "steps": -(-counts["train"] // BATCH),
    }


def _split(user: np.ndarray, valid: float, test: float) -> np.ndarray:
    """0, 1 or 2, the place in `KEPT` of each row. Nobody is without a training row."""
    draw = np.random.default_rng(1)
    part = np.zeros(len(user), dtype=np.int64)
    order = np.lexsort((draw.random(len(user)), user))
    for rows in np.split(order, np.flatnonzero(np.diff(user[order])) + 1):
        held, found = int(len(rows) * valid), int(len(rows) * test)
        part[rows[:held]], part[rows[held : held + found]] = 1, 2
    return part


_MATRIX = 3 * 2 * WIDTH**2
"""Operations of a vector's product with a square matrix, forth and back."""


def _pairs(facts: Facts) -> float:
    return facts["rows"] * 3 * 2 * 3 * WIDTH


def _cke(facts: Facts) -> float:
    return _pairs(facts) + facts["rows"] * 3 * _MATRIX


def _cfkg(facts: Facts) -> float:
    return 2 * _pairs(facts)


def _ktup(facts: Facts) -> float:
    return 2 * _pairs(facts) + facts["rows"] * 2 * 3 * 3 * 2 * facts["relations"] * WIDTH


def _kgat(facts: Facts) -> float:
    edges, nodes = 2 * (facts["rows"] + facts["triples"]), facts["users"] + facts["entities"]
    pairs = facts["steps"] * (2 * 2 * edges * WIDTH + 2 * nodes * _MATRIX)
    return pairs + edges * (3 * _MATRIX + 2 * 2 * WIDTH**2)


def _kgin(facts: Facts) -> float:
    return facts["steps"] * LAYERS * 2 * WIDTH * (3 * 2 * facts["triples"] + 2 * facts["rows"])


def _mkr(facts: Facts) -> float:
    return facts["rows"] * (_MATRIX + 2 * 4 * 3 * 2 * WIDTH) + facts["triples"] / 3 * 3 * _MATRIX


def _ripplenet(facts: Facts) -> float:
    return facts["rows"] * HOPS * (RIPPLES * (_MATRIX + 2 * 2 * 3 * 2 * WIDTH) + 2 * _MATRIX)


def _kgcn(facts: Facts) -> float:
    return facts["rows"] * 2 * (_MATRIX + 2 * NEIGHBOURS * 3 * 2 * WIDTH)


def _work(operations: Callable[[Facts], float], words: str, facts: Facts) -> Work:
    moved = 2 * 4 * WIDTH * facts["rows"] * 3
    return Work(operations(facts), moved, f"an epoch of {words}; the vectors of the pairs read and written once")


def _case(
    name: str, title: str, epochs: dict[str, int], operations: Callable[[Facts], float], words: str, times: float | None = None, **more: Any
) -> Case:
    ml_100k = {"log": "ml-100k", "valid": 0.1, "test": 0.1}
    logs = {"ml-100k": ml_100k, "lastfm-kg": {"log": "lastfm-kg", "valid": 0.1, "test": 0.2}}
    told = {"model": name, "rate": RATE, "every": 2}
    return Case(
        name=name,
        title=title,
        measured="seconds of an epoch, the median of those after the first",
        sizes=tuple(Size(log, {**logs[log], **told, "epochs": count}, **more) for log, count in epochs.items()),
        sides=("turret", "recbole"),
        script="knowledge",
        write=_write,
        work=partial(_work, operations, words),
        alike=(Alike("recall@10", 0.02),),
        grows="rows",
        targets=() if times is None else (Target("ml-100k", "recbole", times),),
    )


_BOTH = "for each pair the products of three vectors, forth and back"
_NEIGHBOURS = "for each pair, with the right item and another, two inner products of four neighbours and a matrix, forth and back"
CASES = (
    _case("cke", "CKE", {"ml-100k": 24, "lastfm-kg": 30}, _cke, f"{_BOTH}; for each fact beside it three with the relation's matrix"),
    _case("cfkg", "CFKG", {"ml-100k": 30}, _cfkg, f"{_BOTH}, and as many facts"),
    _case(
        "ktup",
        "KTUP",
        {"ml-100k": 24},
        _ktup,
        f"{_BOTH}, and as many facts; for each pair three products with the vectors of all relations, with the right item and another",
    ),
    _case(
        "kgat",
        "KGAT",
        {"ml-100k": 16, "lastfm-kg": 20},
        _kgat,
        "in each step of pairs the graph's product and two matrices for all nodes, forth and back; for each edge three products with its"
        " relation's matrix, forth and back, and two for its attention",
        times=2.0,
    ),
    _case("kgin", "KGIN", {"ml-100k": 16}, _kgin, "in each step two layers of triples and choices, forth and back"),
    _case(
        "mkr",
        "MKR",
        {"ml-100k": 24},
        _mkr,
        "a matrix and four inner products for each pair's vectors, and three matrices for a third of the facts",
    ),
    _case(
        "ripplenet",
        "RippleNet",
        {"ml-100k": 8},
        _ripplenet,
        "for each pair a matrix for each triple of two ripple sets, two inner products of each with both items, and a matrix for these",
        limit=1800.0,
        once=("recbole",),
    ),
    _case("kgcn", "KGCN", {"ml-100k": 20}, _kgcn, _NEIGHBOURS),
    _case("kgnnls", "KGNN-LS", {"ml-100k": 20}, _kgcn, f"{_NEIGHBOURS}; labels, which are numbers, are not counted"),
)
