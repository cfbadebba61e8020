"""BPR by RecBole: Adam on all rows of both tables at every step, its default.

Its tables give dense gradients, which its `sparse_adam` does not take, so there is no faster way. Where the words say so, its trainer gets
only the first so many batches of an epoch, and the time is scaled to all pairs.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from stand import Stand

from data import Recbole

stand = Stand()
words = stand.words
side = Recbole(
    stand,
    "BPR",
    embedding_size=words["width"],
    train_batch_size=words["batch"],
    learning_rate=words["recbole"],
    epochs=1,
    train_neg_sample_args={"distribution": "uniform", "sample_num": 1, "alpha": 1.0, "dynamic": False, "candidate_num": 0},
)
model = side.model()
trainer = side.trainer(model)


class First:
    """The first batches of a loader, which is otherwise the same."""

    def __init__(self, loader: Any, batches: int) -> None:
        self.loader, self.batches = loader, batches

    def __iter__(self) -> Iterator[Any]:
        return islice(self.loader, self.batches)

    def __len__(self) -> int:
        return self.batches

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


def fitted(batches: int) -> float:
    """Seconds of an epoch of so many batches, by its own trainer."""
    with stand.measuring():
        trainer.fit(First(side.train, batches), verbose=False, saved=False)
    return stand.seconds[-1]


steps, some = len(side.train), words["recbole_steps"]
if some is None:
    taken = [fitted(steps) for _ in range(words["epochs"])]
    stand.tell(float(np.median(taken[1:])), side.judged(stand, model), first=taken[0])
else:
    fitted(1)  # makes what Adam remembers
    few, more = fitted(2), fitted(2 + some)
    # What an epoch needs to begin, such as an order of all pairs, is in both.
    stand.tell(few + (more - few) / some * (steps - 2), {}, note=f"scaled from {some} of {steps:,} steps; so no quality")
