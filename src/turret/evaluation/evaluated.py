"""What an evaluation found, and the file it is kept in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from turret.core import tensor_file
from turret.core.errors import InputError
from turret.core.interactions import FloatArray, IntArray
from turret.evaluation.reliability import Reliability
from turret.index.recall import Recall

USERS, WEIGHTS, PER_USER = "users", "weights", "per_user/"


@dataclass(frozen=True)
class Audience:
    """Who and what was counted, and what was not.

    Attributes:
        users: users behind the means; 0 where the log knows none.
        unserved: users left out because training never saw them and the model reads user ids.
        without_history: users among `users` of whom nothing was known.
        truths: right items of `users` (for a ranker, its impressions).
        truths_unseen: right items that training never saw; they count as missed.
        truths_known: right items left out because the user already had them and repeat consumption is not asked for.
    """

    users: int
    unserved: int = 0
    without_history: int = 0
    truths: int = 0
    truths_unseen: int = 0
    truths_known: int = 0


@dataclass(frozen=True)
class Evaluated:
    """One model, measured on one part.

    Attributes:
        dataset: hash of the prepared dataset.
        part: "valid" or "test".
        protocol: which items competed.
        metrics: value by name. A metric that nobody contributes to is absent, never 0.
        users: int64 [U] the ids behind the rows of `per_user`.
        per_user: float64 [U] by name, for metrics that are means over users; NaN where a user does not count.
        audience: who was counted.
        weights: float64 [U] what the users weigh in the means, or None where all weigh the same.
        intervals: 95 % bootstrap interval by name.
        groups: kind of group ("user_activity", "item_popularity", or a feature), group and metric to value; "users" or "impressions" says
            how many are behind it.
        lists: int32 [U, K] what was recommended, -1 where a list is shorter; None for rankers and after reading from a file.
        units: what the users are: "users", or "groups of rows" of a log that knows no users.
        reliability: of a ranker's probabilities, by task.
        index: of the index that the lists came from, beside exact search at their length; None where all scores were computed.
        seconds: what the evaluation took.
    """

    dataset: str
    part: str
    protocol: str
    metrics: Mapping[str, float]
    users: IntArray
    per_user: Mapping[str, FloatArray]
    audience: Audience
    weights: FloatArray | None = None
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    lists: IntArray | None = None
    units: str = "users"
    reliability: Mapping[str, Reliability] = field(default_factory=dict)
    index: Recall | None = None
    seconds: float = 0.0

    def summary(self) -> dict[str, object]:
        """Everything but the arrays, ready for JSON."""
        return {
            "dataset": self.dataset,
            "part": self.part,
            "protocol": self.protocol,
            "metrics": dict(self.metrics),
            "audience": asdict(self.audience),
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
            "groups": self.groups,
            "units": self.units,
            "reliability": {task: asdict(found) for task, found in self.reliability.items()},
            "index": None if self.index is None else asdict(self.index),
            "seconds": self.seconds,
        }

    def save(self, path: Path) -> None:
        """Writes all but the lists as safetensors, the summary in its header.

        Raises:
            TurretError: it cannot be written.
        """
        arrays = {USERS: self.users} | ({} if self.weights is None else {WEIGHTS: self.weights})
        arrays |= {PER_USER + name: values for name, values in self.per_user.items()}
        tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
        summary = json.dumps(self.summary(), allow_nan=False)  # what is not a number is absent
        tensor_file.save(path, tensors, {"summary": summary})

    @classmethod
    def load(cls, path: Path) -> Evaluated:
        """Reads what `save` wrote.

        Raises:
            InputError: the file is missing, cut off, altered or none of ours.
        """
        again = "`turret evaluate RUN` measures again."
        tensors, notes = tensor_file.load(path, again)
        try:
            return cls._of(json.loads(notes["summary"]), {name: tensor.numpy() for name, tensor in tensors.items()})
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError("this is no saved evaluation", path=path, hint=again) from None

    @classmethod
    def _of(cls, summary: dict[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Evaluated:
        return cls(
            dataset=summary["dataset"],
            part=summary["part"],
            protocol=summary["protocol"],
            metrics=summary["metrics"],
            users=arrays[USERS],
            per_user={name.removeprefix(PER_USER): values for name, values in arrays.items() if name.startswith(PER_USER)},
            audience=Audience(**summary["audience"]),
            weights=arrays.get(WEIGHTS),
            intervals={name: (low, high) for name, (low, high) in summary["intervals"].items()},
            groups=summary["groups"],
            units=summary.get("units", "users"),
            reliability={task: Reliability.read(found) for task, found in summary.get("reliability", {}).items()},
            index=None if summary.get("index") is None else Recall(**summary["index"]),
            seconds=summary["seconds"],
        )
