"""Training with looks at the quality in between, which the clock does not count."""

from __future__ import annotations

import numpy as np
from stand import Stand, ranking_quality

MEASURE = "ndcg@10"


class Race:
    """Notes seconds and quality after each stretch of training.

    Args:
        stand: the job. Its size says after how many seconds of training, `within`, and after how many looks in turn that were no better,
            `patience`, a side stops, and how many users are `judged`.
    """

    def __init__(self, stand: Stand) -> None:
        self.stand, self.asked = stand, stand.asked(stand.words["judged"])
        self.curve: list[tuple[float, float, float]] = []

    def over(self, lists: np.ndarray, epochs: float, seconds: float | None = None) -> bool:
        """Looks at lists (asked users, 10 or more) after so many epochs in all; whether it is time to stop.

        `seconds` are those of training so far, where the stand's stretches hold other things too.
        """
        stand = self.stand
        quality = ranking_quality(self.asked, lists, stand.array("test_user"), stand.array("test_item"))[MEASURE]
        self.curve.append((sum(stand.seconds) if seconds is None else seconds, quality, epochs))
        qualities = [point[1] for point in self.curve]
        late = len(qualities) - 1 - int(np.argmax(qualities)) >= stand.words["patience"]
        return late or self.curve[-1][0] >= stand.words["within"]

    def tell(self) -> None:
        """Tells the curve; `seconds` and quality are those of its end until the curves of all are there."""
        seconds, quality, epochs = self.curve[-1]
        self.stand.tell(seconds, {MEASURE: quality}, epoch=seconds / epochs, curve=self.curve, measure=MEASURE)
