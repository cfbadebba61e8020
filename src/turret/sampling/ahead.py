"""Negatives drawn once, before training begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from turret.core.context import PerRow
from turret.core.contracts import Step, Targets
from turret.core.interactions import Interactions
from turret.core.seeds import torch_generator

ROWS = 1 << 14
"""Of the training part, that are drawn for at once."""


class Ahead:
    """Gives each row of the training part the negatives that were drawn for it at the first step, in every epoch the same.

    They are drawn row after row from a stream of their own, so that they do not depend on the order of batches. Its seed is that of the
    first step's generator, and part of a checkpoint, so that neither do they depend on where training was interrupted.

    Args:
        sampler: draws for each right item and looks at nothing but items and users: what it draws would be the same at any step.
        train: the training part, whose rows are the `places` of right items.
    """

    def __init__(self, sampler: Callable[[Targets, Step], PerRow], train: Interactions) -> None:
        self.sampler, self.train = sampler, train
        self._seed: int | None = None
        self._drawn: PerRow | None = None

    @torch.no_grad()
    def __call__(self, targets: Targets, step: Step) -> PerRow:
        """`PerRow` with items and mask [T, N], log_q [T, N] or [T, 1].

        Raises:
            ValueError: the rows of the training part are not known.
        """
        if targets.places is None:
            raise ValueError("negatives drawn ahead need batches that tell which row of the training part each right item is")
        if self._drawn is None:
            self._seed = step.generator.initial_seed() if self._seed is None else self._seed
            self._drawn = self._draw(targets, self._seed, step.generator.device)
        drawn, at = self._drawn, targets.places
        told = (None if values is None else values[at] for values in (drawn.mask, drawn.positive_log_q))
        return PerRow(drawn.items[at].long(), drawn.log_q[at], *told)

    def state(self) -> dict[str, Tensor]:
        """The seed; empty before the first step."""
        return {} if self._seed is None else {"seed": torch.tensor(self._seed)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        self._seed, self._drawn = int(state["seed"]) if state else None, None

    def _draw(self, like: Targets, seed: int, device: torch.device) -> PerRow:
        """All rows' negatives, items int32 [n, N]."""
        step = Step(0, torch_generator(seed, "ahead", device=device))
        parts = []
        for start in range(0, len(self.train), ROWS):
            rows = slice(start, start + ROWS)
            items, users = (torch.tensor(column[rows], dtype=torch.int64, device=device) for column in (self.train.item, self.train.user))
            query = like.query.new_empty(len(items), 0)
            places = torch.arange(start, start + len(items), device=device)
            drawn = self.sampler(Targets(items, users, query, like.encoded, like.scorer, places), step)
            parts.append((drawn.items.int(), drawn.log_q.expand(len(items), -1), drawn.mask, drawn.positive_log_q))
        return PerRow(*map(_joined, zip(*parts, strict=True)))  # type: ignore[arg-type]


def _joined(parts: tuple[Tensor | None, ...]) -> Tensor | None:
    """What was drawn block by block, as one."""
    given = [part for part in parts if part is not None]
    return torch.cat(given) if given else None
