"""Procedures: how a model comes to its parameters.

Each yields after every round (an epoch, a sweep); between the yields the runner evaluates, writes checkpoints and may stop. A procedure's
`state` with the model's own is all that is needed to go on. Every round seeds its random streams from the run's seed and the round's number
alone, so that a resumed round draws what it would have drawn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from turret.core.contracts import Batches, Objective, Progress, Solver, Step
from turret.core.errors import TurretError
from turret.core.interactions import Interactions
from turret.core.seeds import derive, torch_generator
from turret.kernels.parallel import at_most
from turret.training.config import Training
from turret.training.optimizers.build import Updates, build_optimizers
from turret.training.optimizers.clip import clip_norm
from turret.training.replay import CudaRecorder, Replayed, Take
from turret.training.schedules import learning_rate


class Epochs(Protocol):
    """Whole epochs at a time."""

    def epoch(self, generator: torch.Generator, rate: float) -> float:
        """Trains on all batches of an epoch, with a learning rate; returns the sum of their losses."""
        ...


class Gradient:
    """Descends an objective over epochs of batches.

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
        self._optimizers: list[Updates] = []
        self._restored: Mapping[str, Tensor] = {}

    def fit(self, model: nn.Module, seed: int, device: torch.device) -> Iterator[Progress]:
        """Yields after each epoch, with the mean loss of its batches.

        Raises:
            TurretError: the loss is no longer a finite number.
        """
        self._optimizers = build_optimizers(model, self.training)
        if self._losses:
            for number, optimizer in enumerate(self._optimizers):
                mine = f"{number}."
                optimizer.restore({name[len(mine) :]: value for name, value in self._restored.items() if name.startswith(mine)})
            self._restored = {}  # theirs now
        take = self._take(model)
        if self.replayed and device.type == "cuda":
            take = Replayed(take, CudaRecorder())
        whole = self.compiled(model, self._optimizers) if device.type == "cpu" else None
        generator = torch.Generator(device)
        for epoch in range(len(self._losses), self.training.epochs):
            start = time.perf_counter()
            with at_most(self.threads):
                generator.manual_seed(derive(seed, "epoch", epoch))
                torch.manual_seed(derive(seed, "dropout", epoch))  # dropout draws from torch's global stream and takes no generator
                model.train()
                loss = self._epoch(take, epoch, generator) if whole is None else self._whole(whole, epoch, generator)
            self._losses.append(loss)
            yield Progress(epoch + 1, {"loss": loss}, time.perf_counter() - start)

    def _take(self, model: nn.Module) -> Take:
        """One step of `model`."""
        parameters = list(model.parameters())

        def take(batch: Any, step: Step, rate: float) -> Tensor:
            for parameter in parameters:
                parameter.grad = None
            loss = self.objective(model, batch, step)
            loss.backward()  # type: ignore[no-untyped-call]
            if self.training.grad_clip_norm is not None:
                clip_norm(parameters, self.training.grad_clip_norm)
            for optimizer in self._optimizers:
                optimizer.step(rate)
            return loss.detach()

        return take

    def _epoch(self, take: Take, epoch: int, generator: torch.Generator) -> float:
        rate = learning_rate(self.training, epoch, self._losses)
        total, count, before = torch.zeros((), device=generator.device), 0, epoch * self.batches.steps()
        for count, batch in enumerate(self.batches.epoch(generator), 1):
            total += take(batch, Step(before + count - 1, generator), rate)
        return self._finite(float(total) / max(count, 1), epoch)

    def _whole(self, epochs: Epochs, epoch: int, generator: torch.Generator) -> float:
        total = epochs.epoch(generator, learning_rate(self.training, epoch, self._losses))
        return self._finite(total / max(self.batches.steps(), 1), epoch)

    def _finite(self, mean: float, epoch: int) -> float:
        if not math.isfinite(mean):
            raise TurretError(f"epoch {epoch + 1}: the training loss is {mean}\n  Try a smaller learning_rate, or set grad_clip_norm.")
        return mean

    def state(self) -> dict[str, Tensor]:
        """The losses so far, and what each optimizer remembers, as `number.index.name`."""
        state = {f"{n}.{name}": value for n, optimizer in enumerate(self._optimizers) for name, value in optimizer.state().items()}
        return {"losses": torch.tensor(self._losses, dtype=torch.float64), **state}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what `state` gave; `fit` hands each optimizer its part."""
        self._losses, self._restored = state["losses"].tolist(), state


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
