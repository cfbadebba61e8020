"""What is drawn at random once an epoch, and outlasts its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import torch
from torch import Tensor

from turret.core.contracts import Step

Drawn = TypeVar("Drawn")


class OfEpoch(Generic[Drawn]):
    """Something that is drawn from a seed of its epoch's own, so that the seed is all that an interrupted epoch must keep.

    Args:
        steps: of an epoch.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self._seed: Tensor | None = None
        self._drawn: Drawn | None = None

    def __call__(self, step: Step, draw: Callable[[torch.Generator], Drawn]) -> Drawn:
        """The epoch's: drawn at its first step, and where it was taken up anew."""
        device = step.generator.device
        if self._seed is None or step.number % self.steps == 0:
            self._seed, self._drawn = torch.randint(2**62, (), generator=step.generator, device=device), None
        if self._drawn is None:
            self._drawn = draw(torch.Generator(device).manual_seed(int(self._seed)))
        return self._drawn

    def state(self) -> dict[str, Tensor]:
        """The epoch's seed; nothing before the first step."""
        return {} if self._seed is None else {"seed": self._seed.clone()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes it up."""
        self._seed, self._drawn = state.get("seed"), None
