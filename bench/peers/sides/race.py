"""Training until a quality is reached: stretches of training, each of which is measured, and judged in between, which is not."""

from __future__ import annotations

import numpy as np
from stand import Stand, ranking_quality


class Race:
    """Notes seconds and quality after each stretch.

    Args:
        stand: the job. Its size says `level`, of which 99 % are to be reached, `within` how many seconds of training, and how many users
            are `judged`.
    """

    def __init__(self, stand: Stand) -> None:
        self.stand, self.asked = stand, stand.asked(stand.words["judged"])
        self.found: dict[str, float] = {}
        self.curve: list[tuple[float, float]] = []

    def over(self, lists: np.ndarray) -> bool:
        """Whether the level is reached with these lists (asked users, 10), or the time is up."""
        stand = self.stand
        self.found = ranking_quality(self.asked, lists, stand.array("test_user"), stand.array("test_item"))
        self.curve.append((sum(stand.seconds), self.found["ndcg@10"]))
        return self.reached or self.curve[-1][0] >= stand.words["within"]

    @property
    def reached(self) -> bool:
        """Whether quality is now at the level."""
        return self.found["ndcg@10"] >= 0.99 * self.stand.words["level"]

    def tell(self, epoch: float, epochs: float) -> None:
        """Tells the outcome. What is better than the level counts as the level: no more was asked for, and one stretch may overshoot.

        Args:
            epoch: seconds of one.
            epochs: that were trained, parts of one included.
        """
        level, note = self.stand.words["level"], f"{epochs:.3g} epochs"
        if not self.reached:
            note = f"more than this: after {epochs:.3g} epochs {self.found['ndcg@10']:.4f} of {level}"
        quality = {"ndcg@10": min(self.found["ndcg@10"], level)}
        self.stand.tell(self.curve[-1][0], quality, note, epoch=epoch, epochs=epochs, curve=self.curve)
