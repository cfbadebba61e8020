"""What samplers draw from."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from turret.core.contracts import Step, Targets


class Distribution(Protocol):
    """A probability for every item, which may depend on the query. Nothing is ever left out of it: `drawn.Drawn` does that."""

    def refresh(self, targets: Targets, step: Step) -> None:
        """Takes notice of what the item vectors have become, where that is due. Called before each of a step's draws."""
        ...

    def draw(self, targets: Targets, count: int, generator: torch.Generator) -> Tensor:
        """int64 [T, `count`], independent draws with replacement for each query."""
        ...

    def log_prob(self, targets: Targets, items: Tensor) -> Tensor:
        """float [T, C] (or broadcastable to it) the log of the probability with which `draw` gives `items`, int64 [T, C]."""
        ...
