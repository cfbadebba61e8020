"""What tests of several folders share: recorded runs of the authors' GRU4Rec, logs of sessions, and their mini-batches by the book."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from turret.core.interactions import Interactions

Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="session")
def golden() -> Callable[..., Arrays]:
    """`golden(name, prefix)`: the arrays of golden_name.npz whose keys begin with `prefix/`, without it.

    They were recorded from the authors' code by wrapping it from outside.
    """
    opened = cache(lambda path: dict(np.load(path)))

    def arrays(name: str, prefix: str = "") -> Arrays:
        file = Path(os.environ.get("TURRET_DATA", "absent")) / ".." / "gru4rec" / f"golden_{name}.npz"
        if not file.is_file():
            pytest.skip("no recorded runs of GRU4Rec beside TURRET_DATA")
        start = f"{prefix}/" if prefix else ""
        return {key.removeprefix(start): value for key, value in opened(file.resolve()).items() if key.startswith(start)}

    return arrays


def log_of(session: Any, item: Any, time: Any = None, items: Sequence[Any] | None = None) -> Interactions:
    """The interactions of a table as it stands in a file: sessions ascend, items have the order of their first appearance.

    Args:
        session, item, time: columns [n].
        items: what has the item ids 0, 1, ...; None takes it from the table. Rows with other items are left out.
    """
    session, item = np.asarray(session), np.asarray(item)
    names = list(dict.fromkeys(item.tolist())) if items is None else list(items)
    known = np.isin(item, names)
    ids = {name: index for index, name in enumerate(names)}
    session, when = np.unique(session[known], return_inverse=True)[1], None if time is None else np.asarray(time, dtype=np.float64)[known]
    order = np.argsort(session, kind="stable") if when is None else np.lexsort((when, session))
    encoded = np.array([ids[name] for name in item[known].tolist()], dtype=np.int32)[order]
    sizes = int(session.max(initial=-1)) + 1, len(names)
    return Interactions(session[order].astype(np.int32), encoded, *sizes, time=None if when is None else when[order])


@pytest.fixture(scope="session")
def session_log() -> Callable[..., Interactions]:
    return log_of


Hook = tuple[list[bool], list[bool]]


@dataclass(frozen=True)
class MiniBatch:
    """What each slot reads and must predict; before it, for each hook, the states of finished slots become 0 and invalid slots go."""

    read: list[int]
    target: list[int]
    hooks: list[Hook]


def mini_batches_of(sessions: Sequence[Sequence[int]], width: int, least: int = 1) -> Iterator[MiniBatch]:
    """Blocks in which no session ends, and between them the replacement of those that did."""
    waiting = deque(sessions)
    slots = [waiting.popleft() for _ in range(min(width, len(waiting)))]
    at, hooks = [0] * len(slots), list[Hook]()
    while len(slots) >= max(least, 1):
        block = min(len(session) - place for session, place in zip(slots, at, strict=True))
        for _ in range(block - 1):
            read = [session[place] for session, place in zip(slots, at, strict=True)]
            at = [place + 1 for place in at]
            yield MiniBatch(read, [session[place] for session, place in zip(slots, at, strict=True)], hooks)
            hooks = []
        finished = [place == len(session) - 1 for session, place in zip(slots, at, strict=True)]
        valid = [True] * len(slots)
        for slot, over in enumerate(finished):
            if over and waiting:
                slots[slot], at[slot] = waiting.popleft(), 0
            elif over:
                valid[slot] = False
        slots = [session for session, stays in zip(slots, valid, strict=True) if stays]
        at = [place for place, stays in zip(at, valid, strict=True) if stays]
        hooks.append((finished, valid))


def sessions_of(log: Interactions) -> list[list[int]]:
    """The sessions by the time of their first event."""
    rows = [np.flatnonzero(log.user == session) for session in range(log.n_users)]
    if log.time is not None:
        rows.sort(key=lambda of: log.time[of].min())  # type: ignore[index]
    return [log.item[of].tolist() for of in rows]


@pytest.fixture(scope="session")
def mini_batches() -> Callable[..., Iterator[MiniBatch]]:
    return mini_batches_of


@pytest.fixture(scope="session")
def in_order() -> Callable[[Interactions], list[list[int]]]:
    return sessions_of


@pytest.fixture(scope="session")
def toy(golden: Callable[..., Arrays]) -> Interactions:
    """The toy table on which the authors' code was recorded."""
    table = golden("iterator")
    return log_of(table["file_session"], table["file_item"], table["file_time"])


@pytest.fixture(scope="session")
def rsc15() -> Interactions:
    """The training part of RSC15-100k."""
    file = Path(os.environ.get("TURRET_DATA", "absent")) / "rsc15-100k" / "train_full.tsv"
    if not file.is_file():
        pytest.skip("TURRET_DATA holds no rsc15-100k")
    lines = file.read_text().splitlines()
    place = [lines[0].split("\t").index(name) for name in ("SessionId", "ItemId", "Time")]
    session, item, time = zip(*([line.split("\t")[at] for at in place] for line in lines[1:]), strict=True)
    return log_of(np.array(session, dtype=np.int64), item, np.array(time, dtype=np.float64))
