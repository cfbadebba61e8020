"""The loop around a procedure: validate, keep the best, write checkpoints, stop early, go on after an interruption."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from turret.core.contracts import Procedure, Progress
from turret.core.errors import TurretError
from turret.training.run_directory import RunDirectory

Validate = Callable[[nn.Module], Mapping[str, float]]
Report = Callable[[Progress, Mapping[str, float]], None]


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
    """

    round: int
    best_round: int
    best: dict[str, float]
    waited: int


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
    checkpoint_seconds: float = 5.0,
) -> Standing:
    """Fits `model` and leaves it with its best parameters, which `run` then holds too.

    Goes on from the run's last checkpoint if it has one; the outcome is that of a run that was never interrupted. Without `validate` the
    last round counts as the best.

    Args:
        model: on its way to `device`.
        procedure: how it is fitted.
        run: where checkpoints and measures go.
        seed: of all random streams.
        device: where it is fitted.
        validate: measures of the model on the validation part.
        stopping: which measure decides, and when; needed with `validate`.
        report: is told of each round, and of its validation measures where there are any.
        checkpoint_seconds: least time between two checkpoints. Rounds since the last one are done again after an interruption.

    Raises:
        TurretError: the deciding measure is missing or not a number.
    """
    model.to(device)
    standing, best = Standing(0, 0, {}, 0), _copy(model)
    if (restored := run.load_last(model)) is not None:
        procedure.restore(restored[0])
        standing, best = Standing(**restored[1]), run.best()
    run.forget_rounds_after(standing.round)
    rounds = procedure.fit(model, seed, device)
    written = time.perf_counter()
    while not _exhausted(standing, stopping) and (progress := next(rounds, None)) is not None:
        if progress.round <= standing.round:
            continue  # a closed form, interrupted after its only round, has solved again what it had solved
        standing.round = progress.round
        start, measures = time.perf_counter(), dict[str, float]()
        if validate is None or stopping is None:
            standing.best_round = progress.round
        elif progress.round % stopping.every == 0:
            model.eval()
            with torch.no_grad():
                measures = dict(validate(model))
            _compare(standing, measures, stopping)
        if standing.best_round in (progress.round, 0):
            best = _copy(model)
        seconds = {"train": progress.seconds, "validate": time.perf_counter() - start}
        run.log({"round": progress.round, **progress.measures, "valid": measures, "seconds": seconds})
        if time.perf_counter() - written >= checkpoint_seconds:
            run.save(model, procedure.state(), asdict(standing), best)
            written = time.perf_counter()
        report(progress, measures)
    standing.best_round = standing.best_round or standing.round  # too few rounds for a validation: the last is what there is
    run.save(model, procedure.state(), asdict(standing), best)
    model.load_state_dict(best)
    model.eval()
    return standing


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().to("cpu", copy=True) for name, value in model.state_dict().items()}


def _compare(standing: Standing, measures: dict[str, float], stopping: Stopping) -> None:
    value = measures.get(stopping.metric, math.nan)
    if math.isnan(value):
        found = ", ".join(measures) or "none"
        raise TurretError(f"the validation measure {stopping.metric} is missing or not a number (found: {found})")
    sign = -1 if stopping.lower_is_better else 1
    if not standing.best or sign * value > sign * standing.best[stopping.metric]:
        standing.best_round, standing.best, standing.waited = standing.round, measures, 0
    else:
        standing.waited += 1


def _exhausted(standing: Standing, stopping: Stopping | None) -> bool:
    return stopping is not None and 0 < stopping.patience <= standing.waited
