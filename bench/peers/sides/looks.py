"""Training for a set number of epochs, with looks at the quality in between, which the clock does not count."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from stand import Stand, ranking_quality

MEASURE = "recall@10"


class Looks:
    """Keeps the quality on the test part of the model that was the best on the validation part.

    Args:
        stand: the job. Its size says how many `epochs` there are, and after how `every` many of them there is a look.
    """

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.best, self.after, self.quality = -1.0, 0, dict[str, float]()

    def over(self, lists: Callable[[str], np.ndarray]) -> bool:
        """Looks where it is time for it; whether training is over.

        Args:
            lists: for "valid" or "test", the lists (users, 10) of those who have something to find there, who are in order.
        """
        stand, epochs = self.stand, len(self.stand.seconds)
        if epochs % stand.words["every"] == 0 or epochs == stand.words["epochs"]:
            found = self._judged("valid", lists)[MEASURE]
            if found > self.best:
                self.best, self.after, self.quality = found, epochs, self._judged("test", lists)
        return epochs >= stand.words["epochs"]

    def tell(self) -> None:
        """Tells seconds of an epoch and quality."""
        seconds = self.stand.seconds
        note = f"best of {len(seconds)} epochs on the validation part, {self.best:.4f}, was number {self.after}"
        self.stand.tell(float(np.median(seconds[1:])), self.quality, note, first=seconds[0])

    def _judged(self, part: str, lists: Callable[[str], np.ndarray]) -> dict[str, float]:
        user = self.stand.array(f"{part}_user")
        return ranking_quality(np.unique(user), lists(part), user, self.stand.array(f"{part}_item"))
