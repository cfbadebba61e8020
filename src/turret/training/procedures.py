"""Procedures: how a model comes to its parameters.

Each yields after every round (an epoch or a part of one, a sweep); between the yields the runner evaluates, writes checkpoints and may
stop, and between two steps it may do so too. A procedure's `state` with the model's own is all that is needed to go on. An epoch seeds its
random streams from the run's seed and its number alone and draws its batches at its beginning, so that a resumed one draws what it would
have drawn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from turret.core.contracts import Batches, Between, Objective, Progress, Solver, Step, nothing
from turret.core.interactions import Interactions
from turret.core.remembering import hand_back, state_of, under, within
from turret.core.seeds import derive, torch_generator
from turret.kernels.parallel import at_most
from turret.training.config import Training
from turret.training.finite import lost
from turret.training.optimizers.build import Updates, build_optimizers
from turret.training.optimizers.clip import Clip
from turret.training.replay import CudaRecorder, Replayed, Take
from turret.training.schedules import learning_rate

LOOKS = 64
"""Steps between two looks at the loss where it is on a device that would have to be waited for."""


class Epochs(Protocol):
    """Whole epochs at a time."""

    def epoch(self, generator: torch.Generator, rate: float, taken: int, done: Callable[[int, float], object]) -> None:
        """Trains on the batches of an epoch.

        Args:
            generator: of what is drawn.
            rate: the learning rate.
            taken: batches that were taken before an interruption.
            done: is told now and then how many batches are taken, and the sum of the losses of those since it was last told.
        """
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
        quick: what takes single steps in their place on a CPU, for the objective, a model and its optimizers; likewise.
    """

    def __init__(
        self,
        batches: Batches,
        objective: Objective,
        training: Training,
        threads: int | None = None,
        replayed: bool = False,
        compiled: Callable[[Any, Sequence[Updates]], Epochs | None] = lambda model, optimizers: None,
        quick: Callable[[Objective, Any, Sequence[Updates]], Take | None] = lambda objective, model, optimizers: None,
    ) -> None:
        self.batches, self.objective, self.training, self.threads = batches, objective, training, threads
        self.replayed, self.compiled, self.quick = replayed, compiled, quick
        self._losses: list[float] = []
        self._place = Place()
        self._generator = torch.Generator()
        self._optimizers: list[Updates] = []
        self._restored: Mapping[str, Tensor] = {}

    def fit(self, model: nn.Module, seed: int, device: torch.device, between: Between = nothing) -> Iterator[Progress]:
        """Yields after each round, an epoch or `round_steps` steps of one, with the mean loss of its batches.

        Raises:
            TurretError: the loss of a step is not a finite number.
        """
        self._optimizers = build_optimizers(model, self.training)
        self._generator = generator = torch.Generator(device)
        if self._losses or self._place.taken:
            for number, optimizer in enumerate(self._optimizers):
                optimizer.restore(within(number, self._restored))
            hand_back(self.objective, {name: value.to(device) for name, value in within("objective", self._restored).items()})
            generator.set_state(self._restored["drawing"])
        take = self._take(model, device)
        if self.replayed and device.type == "cuda":
            take = Replayed(take, CudaRecorder())
        whole = self.compiled(model, self._optimizers) if device.type == "cpu" and self.training.round_steps is None else None
        size, steps = self.training.round_steps, self.batches.steps()
        rounds = 1 if size is None else max(-(-steps // size), 1)  # of an epoch
        batches: Iterator[Any] | None = None
        for number in range(len(self._losses), self.training.epochs * rounds):
            start = time.perf_counter()
            epoch, part = divmod(number, rounds)
            first = part * (size or 0)
            rate = learning_rate(self.training, number, self._losses, rounds)
            with at_most(self.threads):
                if batches is None or part == 0:
                    batches = self._batches(seed, epoch, first + self._place.taken, generator)
                self._begin(seed, number, device)
                model.train()
                if whole is None:
                    rest = islice(batches, None if size is None else size - self._place.taken)
                    self._round(model, take, rest, Step(epoch * steps + first, generator), rate, between)
                else:
                    whole.epoch(generator, rate, self._place.taken, partial(self._took, model, epoch * steps, between))
            loss = float(self._place.total) / max(self._place.taken, 1)
            self._losses.append(loss)
            seconds = self._place.seconds + time.perf_counter() - start
            self._place = Place()
            yield Progress(number + 1, {"loss": loss}, seconds)

    def _batches(self, seed: int, epoch: int, taken: int, generator: torch.Generator) -> Iterator[Any]:
        """The batches of an epoch but for those that were taken; what is drawn goes on from there too."""
        drawing = generator.get_state()
        generator.manual_seed(derive(seed, "epoch", epoch))
        batches = iter(self.batches.epoch(generator))
        if taken:
            for _ in islice(batches, taken):
                pass
            generator.set_state(drawing)
        return batches

    def _begin(self, seed: int, number: int, device: torch.device) -> None:
        """Sets torch's global streams, which dropout draws from without taking a generator, to where a round begins or was interrupted."""
        torch.manual_seed(derive(seed, "dropout", number))
        if self._place.taken:
            torch.set_rng_state(self._restored["dropout"])
            if device.type == "cuda":
                torch.cuda.set_rng_state(self._restored["dropout.device"], device)
        else:
            self._place = Place(total=torch.zeros((), device=device))
        self._place.begun = time.perf_counter()
        self._restored = {}

    def _take(self, model: nn.Module, device: torch.device) -> Take:
        """One step of `model`. Where to ask for a number is cheap, one whose loss is not finite changes nothing."""
        clip = None if self.training.grad_clip_norm is None else Clip(self.training.grad_clip_norm)
        asked = device.type == "cpu"
        if asked and clip is None and (quick := self.quick(self.objective, model, self._optimizers)) is not None:
            return quick
        parameters = list(model.parameters())

        def take(batch: Any, step: Step, rate: float) -> Tensor:
            for parameter in parameters:
                parameter.grad = None
            loss = self.objective(model, batch, step)
            if asked and not math.isfinite(loss.item()):
                return loss
            loss.backward()  # type: ignore[no-untyped-call]
            if clip is not None:
                clip(parameters)
            for optimizer in self._optimizers:
                optimizer.step(rate)
            return loss.detach()

        return take

    def _round(self, model: nn.Module, take: Take, batches: Iterator[Any], begin: Step, rate: float, between: Between) -> None:
        """Takes the steps of a round that began with `begin`."""
        place, looks = self._place, 1 if begin.generator.device.type == "cpu" else LOOKS
        for batch in batches:
            loss = take(batch, Step(begin.number + place.taken, begin.generator), rate)
            place.taken += 1
            place.total += loss.detach()
            if place.taken % looks == 0 and not math.isfinite(float(place.total)):
                raise lost(model, loss, self._where(begin.number + place.taken, looks))
            between()
        if not math.isfinite(float(place.total)):
            raise lost(model, place.total, self._where(begin.number + place.taken, looks))

    def _took(self, model: nn.Module, before: int, between: Between, taken: int, loss: float) -> None:
        """Notes what a compiled epoch has done, whose first step is `before`."""
        among = taken - self._place.taken
        self._place.taken, self._place.total = taken, self._place.total.double() + loss
        if not math.isfinite(loss):
            raise lost(model, torch.tensor(loss), self._where(before + taken, among))
        between()

    def _where(self, step: int, among: int) -> str:
        """The step, counted from 1, that is the last of some of which one went wrong."""
        epoch, batch = divmod(step - 1, max(self.batches.steps(), 1))
        before = f", or one of the {among - 1} before it" if among > 1 else ""
        return f"epoch {epoch + 1}, step {step:,} (batch {batch + 1:,} of {self.batches.steps():,}{before})"

    def state(self) -> dict[str, Tensor]:
        """The losses so far, how far the round is, where drawing stands, and what optimizers (as `number.index.name`) and objective
        (`objective.name`) carry."""
        if self._restored:  # Nothing has been done since.
            return dict(self._restored)
        place, device = self._place, self._generator.device
        state = {
            "losses": torch.tensor(self._losses, dtype=torch.float64),
            "drawing": self._generator.get_state(),
            "taken": torch.tensor(place.taken),
            "total": place.total.clone(),
            "seconds": torch.tensor(place.seconds, dtype=torch.float64),
        }
        if place.taken:
            state["seconds"] += time.perf_counter() - place.begun
            state["dropout"] = torch.get_rng_state()
            if device.type == "cuda":
                state["dropout.device"] = torch.cuda.get_rng_state(device)
        for number, optimizer in enumerate(self._optimizers):
            state |= under(number, optimizer.state())
        return state | under("objective", state_of(self.objective))

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave; `fit` hands optimizers, objective and streams their parts."""
        self._losses, self._restored = state["losses"].tolist(), state
        self._place = Place(int(state["taken"]), state["total"], float(state["seconds"]))


@dataclass
class Place:
    """How far a round is.

    Attributes:
        taken: its steps that are taken.
        total: a scalar, the sum of their losses.
        seconds: what they took before an interruption.
        begun: when the clock was last started.
    """

    taken: int = 0
    total: Tensor = field(default_factory=lambda: torch.zeros(()))
    seconds: float = 0.0
    begun: float = 0.0


class Solve:
    """Lets a `Solver` solve for its parameters.

    Args:
        interactions: the training part.
    """

    def __init__(self, interactions: Interactions) -> None:
        self.interactions = interactions

    def fit(self, model: Solver, seed: int, device: torch.device, between: Between = nothing) -> Iterator[Progress]:
        """Yields what the solver yields: once for a closed form, once a sweep for an alternating one, which is its step."""
        yield from model.solve(self.interactions, torch_generator(seed, "solve"))

    def state(self) -> dict[str, Tensor]:
        """Nothing: all that a solver needs to go on is in the model's buffers."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to take up."""
