"""What every side's script stands on: its job, a clock with a gauge for memory, and one definition of quality for all.

Runs in each peer's environment, so it needs nothing but NumPy. A script is called as `python SCRIPT.py JOB.json`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np


class Stand:
    """A job: where its files are, what it is to do, and what it tells at the end."""

    def __init__(self) -> None:
        self.job: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        self.files = Path(self.job["files"])
        self.facts: dict[str, Any] = self.job["facts"]
        """Counts of the files, as the case wrote them."""
        self.words: dict[str, Any] = self.job["words"]
        """What the size says beside its name."""
        self.threads: int = self.job["threads"]
        self.seed: int = self.job["seed"]
        """The number of the round."""
        self.scratch = Path(self.job["scratch"])
        """An empty folder of this job's own."""
        self.seconds: list[float] = []
        """Of each stretch that was measured."""
        self._told: dict[str, Any] = {}

    def array(self, name: str) -> np.ndarray:
        """A file `NAME.npy` of the case, all in memory."""
        return np.load(self.files / f"{name}.npy")

    def asked(self, most: int = 2_000) -> np.ndarray:
        """Users whose lists are judged: the first so many that have something to find."""
        return np.unique(self.array("test_user"))[:most]

    def seen(self, asked: np.ndarray, parts: tuple[str, ...] = ("train",)) -> tuple[np.ndarray, np.ndarray]:
        """Rows of `asked`, and items that these users have in these parts."""
        user, item = (np.concatenate([self.array(f"{part}_{what}") for part in parts]) for what in ("user", "item"))
        row = np.minimum(np.searchsorted(asked, user), len(asked) - 1)
        kept = asked[row] == user
        return row[kept], item[kept]

    def judged(self, lists: np.ndarray, at: int = 10) -> dict[str, float]:
        """Quality of the lists of the users that `asked` gives."""
        return ranking_quality(self.asked(), lists, self.array("test_user"), self.array("test_item"), at)

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """A stretch whose wall and processor seconds, and whose highest memory, are measured. What came before is not."""
        if not self.seconds:
            _forget_peak()
            self._told["base"] = _status("VmRSS")
        worked, start = time.process_time(), time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - start)
        self._told["cpu"] = self._told.get("cpu", 0.0) + time.process_time() - worked
        self._told["peak"] = _status("VmHWM")

    def tell(self, seconds: float, quality: dict[str, float], note: str = "", **figures: Any) -> None:
        """Writes the outcome.

        Args:
            seconds: of what the case measures.
            quality: of the result, by the names that the case compares.
            note: what a reader must know, such as that only a part of an epoch was run.
            figures: anything else that was measured, such as `first`, the seconds of the first epoch, with all compiling.
        """
        self._told.update(seconds=seconds, quality=quality, note=note, **figures)
        Path(self.job["out"]).write_text(json.dumps(self._told), encoding="utf-8")


def ranking_quality(asked: np.ndarray, lists: np.ndarray, user: np.ndarray, item: np.ndarray, at: int = 10) -> dict[str, float]:
    """Means over the asked users who have something to find of recall, and of NDCG with binary gains.

    Args:
        asked: of int, (users,).
        lists: of int, (users, at least `at`): the items recommended to each, best first, none twice, -1 where there are no more.
        user: (pairs,), whom each pair to find belongs to; others than the asked ones are left aside.
        item: (pairs,), what is to find.
        at: places that count.
    """
    wide = int(max(item.max(), lists.max())) + 2  # items count from 1, so that -1 is nobody's
    pairs = np.unique(user.astype(np.int64) * wide + item + 1)
    named = asked.astype(np.int64)[:, None] * wide + lists[:, :at] + 1
    hits = pairs[np.minimum(np.searchsorted(pairs, named), len(pairs) - 1)] == named
    to_find = np.bincount(pairs // wide, minlength=int(asked.max()) + 1)[asked]
    gains = 1 / np.log2(np.arange(2, at + 2))
    ideal = np.concatenate([[0.0], gains.cumsum()])[np.minimum(to_find, at)]
    some = to_find > 0
    return {
        f"recall@{at}": float((hits.sum(1)[some] / to_find[some]).mean()),
        f"ndcg@{at}": float(((hits * gains).sum(1)[some] / ideal[some]).mean()),
    }


def best_of(scores: np.ndarray, seen: tuple[np.ndarray, np.ndarray], at: int = 10) -> np.ndarray:
    """The best items of each row of scores (users, items), which are overwritten at what was seen (rows, items)."""
    scores[seen] = -np.inf
    best = np.argpartition(-scores, at, axis=1)[:, :at]
    order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
    return np.take_along_axis(best, order, 1)


def label_quality(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Area under the ROC curve and mean log loss of predicted probabilities."""
    order = np.argsort(predicted, kind="stable")
    ranked, labelled = predicted[order], labels[order] > 0
    _, first, count = np.unique(ranked, return_index=True, return_counts=True)
    ranks = np.repeat(first + (count + 1) / 2, count)
    positive = int(labelled.sum())
    area = (ranks[labelled].sum() - positive * (positive + 1) / 2) / (positive * (len(labels) - positive))
    sure = np.clip(predicted.astype(np.float64), 1e-7, 1 - 1e-7)
    loss = -np.where(labels > 0, np.log(sure), np.log1p(-sure)).mean()
    return {"auc": float(area), "logloss": float(loss)}


def _forget_peak() -> None:
    """Lets the kernel's gauge of the highest memory begin anew."""
    with suppress(OSError):  # then what was needed before counts too
        Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> int:
    """Bytes, as the kernel counts this process's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)
