"""Procedures: how a model comes to its parameters.

Each yields after every round (an epoch or a part of one, a sweep); between the yields the runner evaluates, writes checkpoints and may
stop. A procedure's `state` with the model's own is all that is needed to go on. An epoch seeds its random streams from the run's seed and
its number alone and draws its batches at its beginning, so that a resumed one draws what it would have drawn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from turret.core.contracts import Batches, Objective, Progress, Solver, Step
from turret.core.errors import TurretError
from turret.core.interactions import Interactions
from turret.core.remembering import hand_back, state_of, under, within
from turret.core.seeds import derive, torch_generator
from turret.kernels.parallel import at_most
from turret.training.config import Training
from turret.training.optimizers.build import Updates, build_optimizers
from turret.training.optimizers.clip import Clip
from turret.training.replay import CudaRecorder, Replayed, Take
from turret.training.schedules import learning_rate


class Epochs(Protocol):
    """Whole epochs at a time."""

    def epoch(self, generator: torch.Generator, rate: float) -> float:
        """Trains on all batches of an epoch, with a learning rate; returns the sum of their losses."""
        ...


class Gradient:
    """Descends an objective over epochs of batches, in rounds.

    Args:
        batches: draws an epoch.
        objective: what a step minimises.
        training: optimizer, learning rate, epochs.
        threads: how many of torch's threads an epoch uses at most. Where steps are made of small operations, to wake a second thread for
            each costs more than it saves.
        replayed: whether steps keep to the rules of `training.replay`, so that a GPU may record and replay them.
        compiled: what does whole epochs in their place on a CPU, for a model and its optimizers; None where it cannot for these.
    """

    def __init__(
        self,
        batches: Batches,
        objective: Objective,
        training: Training,
        threads: int | None = None,
        replayed: bool = False,
        compiled: Callable[[Any, Sequence[Updates]], Epochs | None] = lambda model, optimizers: None,
    ) -> None:
        self.batches, self.objective, self.training, self.threads = batches, objective, training, threads
        self.replayed, self.compiled = replayed, compiled
        self._losses: list[float] = []
        self._drawing = torch.empty(0, dtype=torch.uint8)
        self._optimizers: list[Updates] = []
        self._restored: Mapping[str, Tensor] = {}

    def fit(self, model: nn.Module, seed: int, device: torch.device) -> Iterator[Progress]:
        """Yields after each round, an epoch or `round_steps` steps of one, with the mean loss of its batches.

        Raises:
            TurretError: the loss is no longer a finite number.
        """
        self._optimizers = build_optimizers(model, self.training)
        if self._losses:
            for number, optimizer in enumerate(self._optimizers):
                optimizer.restore(within(number, self._restored))
            hand_back(self.objective, {name: value.to(device) for name, value in within("objective", self._restored).items()})
            self._restored = {}  # theirs now
        take = self._take(model)
        if self.replayed and device.type == "cuda":
            take = Replayed(take, CudaRecorder())
        whole = self.compiled(model, self._optimizers) if device.type == "cpu" and self.training.round_steps is None else None
        generator = torch.Generator(device)
        size, steps = self.training.round_steps, self.batches.steps()
        rounds = 1 if size is None else max(-(-steps // size), 1)  # of an epoch
        batches: Iterator[Any] | None = None
        for number in range(len(self._losses), self.training.epochs * rounds):
            start = time.perf_counter()
            epoch, part = divmod(number, rounds)
            rate = learning_rate(self.training, number, self._losses, rounds)
            with at_most(self.threads):
                if batches is None or part == 0:
                    batches = self._batches(seed, epoch, part, generator)
                torch.manual_seed(derive(seed, "dropout", number))  # dropout draws from torch's global stream and takes no generator
                model.train()
                if whole is None:
                    loss = self._round(take, islice(batches, size), epoch * steps + part * (size or 0), generator, rate)
                else:
                    loss = whole.epoch(generator, rate) / max(steps, 1)
            if not math.isfinite(loss):
                raise TurretError(f"epoch {epoch + 1}: the training loss is {loss}\n  Try a smaller learning_rate, or set grad_clip_norm.")
            self._losses.append(loss)
            self._drawing = generator.get_state()
            yield Progress(number + 1, {"loss": loss}, time.perf_counter() - start)

    def _batches(self, seed: int, epoch: int, part: int, generator: torch.Generator) -> Iterator[Any]:
        """The batches of an epoch from the beginning of a round of it; what is drawn goes on from there too."""
        generator.manual_seed(derive(seed, "epoch", epoch))
        batches = iter(self.batches.epoch(generator))
        if part and self.training.round_steps is not None:
            for _ in islice(batches, part * self.training.round_steps):
                pass
            generator.set_state(self._drawing)
        return batches

    def _take(self, model: nn.Module) -> Take:
        """One step of `model`."""
        parameters = list(model.parameters())
        clip = None if self.training.grad_clip_norm is None else Clip(self.training.grad_clip_norm)

        def take(batch: Any, step: Step, rate: float) -> Tensor:
            for parameter in parameters:
                parameter.grad = None
            loss = self.objective(model, batch, step)
            loss.backward()  # type: ignore[no-untyped-call]
            if clip is not None:
                clip(parameters)
            for optimizer in self._optimizers:
                optimizer.step(rate)
            return loss.detach()

        return take

    def _round(self, take: Take, batches: Iterator[Any], before: int, generator: torch.Generator, rate: float) -> float:
        """The mean loss of some batches, of which the first is step `before`."""
        total, count = torch.zeros((), device=generator.device), 0
        for count, batch in enumerate(batches, 1):
            total += take(batch, Step(before + count - 1, generator), rate)
        return float(total) / max(count, 1)

    def state(self) -> dict[str, Tensor]:
        """The losses so far, where drawing stands, and what optimizers (as `number.index.name`) and objective (`objective.name`) carry."""
        state = {"losses": torch.tensor(self._losses, dtype=torch.float64), "drawing": self._drawing}
        for number, optimizer in enumerate(self._optimizers):
            state |= under(number, optimizer.state())
        return state | under("objective", state_of(self.objective))

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave; `fit` hands optimizers and objective their parts."""
        self._losses, self._drawing, self._restored = state["losses"].tolist(), state["drawing"], state


class Solve:
    """Lets a `Solver` solve for its parameters.

    Args:
        interactions: the training part.
    """

    def __init__(self, interactions: Interactions) -> None:
        self.interactions = interactions

    def fit(self, model: Solver, seed: int, device: torch.device) -> Iterator[Progress]:
        """Yields what the solver yields: once for a closed form, once a sweep for an alternating one."""
        yield from model.solve(self.interactions, torch_generator(seed, "solve"))

    def state(self) -> dict[str, Tensor]:
        """Nothing: all that a solver needs to go on is in the model's buffers."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to take up."""
