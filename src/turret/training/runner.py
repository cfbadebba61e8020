"""The loop around a procedure: validate, keep the best, write checkpoints, stop early, go on after an interruption."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from turret.core.contracts import Procedure, Progress
from turret.core.errors import TurretError
from turret.training.finite import refuse_numbers_that_are_none
from turret.training.interruption import Interruption
from turret.training.run_directory import Checkpoint, RunDirectory, Say

Validate = Callable[[nn.Module], Mapping[str, float]]
Report = Callable[[Progress, Mapping[str, float]], None]

SHARE = 0.05
"""Of the time of training, what writing checkpoints may take."""


@dataclass(frozen=True)
class Stopping:
    """Which round is best, and when to stop looking for a better one.

    Attributes:
        metric: the validation measure that decides.
        lower_is_better: as for a loss.
        patience: validations without a new best before training stops; 0 never stops early.
        every: rounds from one validation to the next.
    """

    metric: str
    lower_is_better: bool = False
    patience: int = 0
    every: int = 1


@dataclass
class Standing:
    """Where early stopping stands: what a checkpoint keeps of it.

    Attributes:
        round: rounds finished.
        best_round: the best one, 0 before the first validation.
        best: its validation measures.
        waited: validations since then.
        pending: what the procedure told of the last round, where that is not yet judged; else nothing.
    """

    round: int = 0
    best_round: int = 0
    best: dict[str, float] = field(default_factory=dict)
    waited: int = 0
    pending: dict[str, Any] = field(default_factory=dict)


def fit(
    model: nn.Module,
    procedure: Procedure,
    run: RunDirectory,
    *,
    seed: int,
    device: torch.device,
    validate: Validate | None = None,
    stopping: Stopping | None = None,
    report: Report = lambda progress, measures: None,
    say: Say = lambda text: None,
    checkpoint_seconds: float = 5.0,
) -> Standing:
    """Fits `model` and leaves it with its best parameters, which `run` then holds too.

    Goes on from the run's last checkpoint if it has one; the outcome is that of a run that was never interrupted. Without `validate` the
    last round counts as the best. Where the process is asked to end (SIGTERM, Ctrl-C), the step under way is finished and a checkpoint
    written first.

    Args:
        model: on its way to `device`.
        procedure: how it is fitted.
        run: where checkpoints and measures go; no other process may fit in it.
        seed: of all random streams.
        device: where it is fitted.
        validate: measures of the model on the validation part.
        stopping: which measure decides, and when; needed with `validate`.
        report: is told of each round, and of its validation measures where there are any.
        say: is told what else is worth knowing, such as that a checkpoint is damaged.
        checkpoint_seconds: least time between two checkpoints; steps since the last one are done again after an interruption. Where writing
            takes long, the time between them is longer; 0 writes one after every step.

    Raises:
        InputError: no checkpoint can be read, or they are of another model.
        TurretError: the loss, a parameter or the deciding measure is missing or not a finite number.
    """
    model.to(device)
    with Interruption(say) as interruption:
        fitting = _Fitting(model, procedure, run, validate, stopping, report, interruption, checkpoint_seconds)
        fitting.go_on(say)
        rounds = procedure.fit(model, seed, device, fitting.between)
        while not fitting.exhausted and (progress := next(rounds, None)) is not None:
            fitting.judge(progress)
        return fitting.end()


class _Fitting:
    """A model on its way: its standing, its best parameters, and when a checkpoint is due."""

    def __init__(
        self,
        model: nn.Module,
        procedure: Procedure,
        run: RunDirectory,
        validate: Validate | None,
        stopping: Stopping | None,
        report: Report,
        interruption: Interruption,
        checkpoint_seconds: float,
    ) -> None:
        self.model, self.procedure, self.run, self.report, self.interruption = model, procedure, run, report, interruption
        self.validate, self.stopping = validate, None if validate is None else stopping
        self.standing, self.best = Standing(), _copy(model)
        self._best_is_now = True  # whether the model has the best parameters at this moment
        self._best_written = False
        self._least = self._wait = checkpoint_seconds
        self._written = time.perf_counter()

    def go_on(self, say: Say) -> None:
        """Takes up what the run holds, and judges the round amid whose judgement it was interrupted."""
        if (found := self.run.checkpoint(say)) is not None:
            self.run.load_into(self.model, found.model)
            self.procedure.restore(found.procedure)
            self.standing = Standing(**found.standing)
            self.best, self._best_is_now = _copy(self.model) if found.best is None else dict(found.best), found.best is None
        elif self.run.rounds():
            say(f"{self.run.path} has no checkpoint: the training begins anew")
        lacking = self.run.forget_rounds_after(self.standing.round - bool(self.standing.pending))
        if lacking:
            say(f"{self.run.path}: the figures of {lacking} earlier rounds can no longer be read in metrics.jsonl")
        if self.standing.pending:
            progress = Progress(**self.standing.pending)
            self.report(progress, self._judged(progress))

    @property
    def exhausted(self) -> bool:
        """Whether no better round is to be expected."""
        return self.stopping is not None and 0 < self.stopping.patience <= self.standing.waited

    def judge(self, progress: Progress) -> None:
        """Looks at the model after a round."""
        if progress.round <= self.standing.round:
            return  # a closed form, interrupted after its only round, has solved again what it had solved
        self.standing.round, self.standing.pending = progress.round, asdict(progress)
        measures = self._judged(progress)
        if self._due:
            self._save()
        self.report(progress, measures)

    def between(self) -> None:
        """Is called between steps: a checkpoint may be due, and the process may have been asked to end."""
        self._best_is_now = False
        if self.interruption.due or self._due:
            self._save()
        self.interruption.heed()

    def end(self) -> Standing:
        """Writes what was found, and gives the model its best parameters."""
        standing = self.standing
        standing.best_round = standing.best_round or standing.round  # too few rounds for a validation: the last is what there is
        self._save()
        self.model.load_state_dict(self.best)
        self.model.eval()
        return standing

    def _judged(self, progress: Progress) -> dict[str, float]:
        refuse_numbers_that_are_none(self.model, f"after round {progress.round}")
        start, standing, stopping = time.perf_counter(), self.standing, self.stopping
        measures: dict[str, float] = {}
        self._best_is_now = False
        if self.validate is None or stopping is None:
            standing.best_round = progress.round
        elif progress.round % stopping.every == 0:
            measures = self._validated(self.validate)
            _compare(standing, measures, stopping)
        if standing.best_round in (progress.round, 0):
            self.best, self._best_is_now, self._best_written = _copy(self.model), True, False
        seconds = {"train": progress.seconds, "validate": time.perf_counter() - start}
        standing.pending = {}
        self.run.log({"round": progress.round, **progress.measures, "valid": measures, "seconds": seconds})
        return measures

    def _validated(self, validate: Validate) -> dict[str, float]:
        self.model.eval()
        try:
            with torch.no_grad(), self.interruption.at_once():
                return dict(validate(self.model))
        except (KeyboardInterrupt, SystemExit):
            self._save()
            raise

    @property
    def _due(self) -> bool:
        return time.perf_counter() - self._written >= self._wait

    def _save(self) -> None:
        start = time.perf_counter()
        refuse_numbers_that_are_none(self.model, f"after {self.standing.round} rounds")
        best = None if self._best_is_now else self.best
        self.run.save(Checkpoint(self.model.state_dict(), best, self.procedure.state(), asdict(self.standing)))
        if not self._best_written:
            self.run.save_best(self.best)
            self._best_written = True
        self._written = time.perf_counter()
        self._wait = max(self._least, (self._written - start) / SHARE) if self._least else 0.0


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().to("cpu", copy=True) for name, value in model.state_dict().items()}


def _compare(standing: Standing, measures: dict[str, float], stopping: Stopping) -> None:
    value = measures.get(stopping.metric, math.nan)
    if not math.isfinite(value):
        found = ", ".join(measures) or "none"
        raise TurretError(f"the validation measure {stopping.metric} is missing or not a finite number (found: {found})")
    sign = -1 if stopping.lower_is_better else 1
    if not standing.best or sign * value > sign * standing.best[stopping.metric]:
        standing.best_round, standing.best, standing.waited = standing.round, measures, 0
    else:
        standing.waited += 1
