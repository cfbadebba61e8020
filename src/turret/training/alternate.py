"""Training the parts of a model in turns.

A turn trains one part for some rounds while the rest of the model rests: it learns nothing, and is in evaluation mode, so that it drops
nothing out. Each turn has its own batches, objective and optimizer, and goes on with them in the next cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from turret.core.contracts import Batches, Between, Objective, Progress, Step, nothing
from turret.core.remembering import hand_back, state_of, under, within
from turret.core.seeds import derive
from turret.training.config import Training
from turret.training.procedures import Gradient


@dataclass(frozen=True)
class Turn:
    """One part's share of a cycle.

    Attributes:
        trains: names of the model's children that learn.
        batches: draws an epoch.
        objective: what a step minimises, called with the whole model.
        training: optimizer, learning rate and epochs, of this turn alone (see `shares`).
        rounds: how many rounds it takes before the next has its turn.
        ends: is called with the whole model after the last of them.
        threads: as `Gradient` has them.
    """

    trains: Sequence[str]
    batches: Batches
    objective: Objective
    training: Training
    rounds: int = 1
    ends: Callable[[Any], object] = lambda model: None
    threads: int | None = None


class Alternate:
    """Descends several objectives in turns; a round is a round of the one whose turn it is.

    Args:
        turns: of a cycle, in their order. It begins anew until the epochs of one of them are used up.
    """

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.turns = turns
        self._descents = [Gradient(turn.batches, Whole(turn.objective), turn.training, turn.threads) for turn in turns]
        self._order = [number for number, turn in enumerate(turns) for _ in range(turn.rounds)]
        self._finished = 0

    def fit(self, model: nn.Module, seed: int, device: torch.device, between: Between = nothing) -> Iterator[Progress]:
        """Yields after each round, with the mean loss of its batches.

        Raises:
            TurretError: the loss is no longer a finite number.
        """
        rounds = [
            descent.fit(Part(model, turn.trains), derive(seed, "turn", number), device, between)
            for number, (descent, turn) in enumerate(zip(self._descents, self.turns, strict=True))
        ]
        while True:
            place = self._finished % len(self._order)
            number = self._order[place]
            progress = next(rounds[number], None)
            if progress is None:
                return
            if place + 1 == len(self._order) or self._order[place + 1] != number:
                self.turns[number].ends(model)
            self._finished += 1
            yield Progress(self._finished, progress.measures, progress.seconds)

    def state(self) -> dict[str, Tensor]:
        """How many rounds are finished, and what each turn's descent remembers, as `number.name`."""
        state = {"finished": torch.tensor(self._finished)}
        for number, descent in enumerate(self._descents):
            state |= under(number, descent.state())
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        self._finished = int(state["finished"])
        for number, descent in enumerate(self._descents):
            descent.restore(within(number, state))


class Part(nn.Module):
    """Some children of a model, as what a descent trains.

    Args:
        whole: the model.
        names: of the children. Those that are no modules have nothing to learn and are passed over.
    """

    def __init__(self, whole: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self._whole = (whole,)  # in a tuple, the whole does not become a child of its part
        for name, child in whole.named_children():
            if name in names:
                self.add_module(name, child)

    @property
    def whole(self) -> nn.Module:
        """The model."""
        return self._whole[0]

    def train(self, mode: bool = True) -> Part:
        """Sets the model to its part's turn: the other children rest."""
        self.training = mode
        self.whole.train(mode)
        learning = dict(self.named_children())
        for name, child in self.whole.named_children():
            child.requires_grad_(name in learning)
            child.train(mode and name in learning)
        return self


class Whole:
    """An objective of the whole model, for a `Part` of it."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective

    def __call__(self, model: Part, batch: Any, step: Step) -> Tensor:
        """A scalar."""
        return self.objective(model.whole, batch, step)

    def state(self) -> dict[str, Tensor]:
        """What the objective carries from step to step."""
        return state_of(self.objective)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Hands it back to the objective."""
        hand_back(self.objective, state)


def shares(epochs: int, rounds: Sequence[int]) -> list[int]:
    """How many of the `epochs` of several turns that take so many rounds each, an epoch a round, are each one's own."""
    cycles, rest = divmod(epochs, sum(rounds))
    own = []
    for count in rounds:
        own.append(cycles * count + min(rest, count))
        rest -= min(rest, count)
    return own
