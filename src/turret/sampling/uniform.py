"""Negatives drawn uniformly."""

from __future__ import annotations

import math

import torch

from turret.core.context import PerRow
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.sampling.seen import Seen, users_of


class Uniform:
    """Each right item's negatives: uniform over all items, or over those that its user has not taken (`Seen.draw`).

    Args:
        n_items: I.
        negative_count: N.
        seen: interactions over the same items, the right ones among them, whose items are not drawn for their user; None leaves out
            nothing. A user who has taken everything draws from all.
    """

    def __init__(self, n_items: int, negative_count: int, seen: Interactions | None = None) -> None:
        self.n_items, self.negative_count = n_items, negative_count
        self._seen = None if seen is None else Seen(seen)

    def __call__(self, targets: Targets, step: Step) -> PerRow:
        """`PerRow` with items [T, N], log_q [T, 1], and a mask where the right item itself can be drawn.

        Raises:
            ValueError: what users have taken is to be left out, and the users are not known.
        """
        shape, generator = (len(targets), self.negative_count), step.generator
        if self._seen is None:
            items = torch.randint(self.n_items, shape, generator=generator, device=generator.device)
            log_q = torch.full((len(targets), 1), -math.log(self.n_items), device=generator.device)
            return PerRow(items, log_q, items != targets.items[:, None], log_q[:, 0])
        users = users_of(targets)
        uniform = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
        items, log_q = self._seen.draw(users, uniform)
        return PerRow(items, log_q, items != targets.items[:, None] if self._seen.exhausted else None)
