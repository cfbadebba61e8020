"""Training: from what was set to a finished run."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from turret.api.dataset_file import located
from turret.api.datasets import folder_of
from turret.api.job import Job, compose, gather, model_of, options_of, sections
from turret.api.machine import settled
from turret.api.options import Settings, flatten, named
from turret.api.run import Run, blank, opened
from turret.api.testing import AnyEvaluator, baselines, evaluator_of
from turret.core.context import Reads
from turret.core.contracts import Procedure, Progress, Ranker
from turret.core.errors import UnsupportedError
from turret.data.prepare import prepare
from turret.data.prepared import TEST, VALID, Prepared
from turret.evaluation.evaluated import Evaluated
from turret.evaluation.metrics import Metric
from turret.models import catalogue
from turret.training.config import Training
from turret.training.run_directory import Dataset, RunDirectory
from turret.training.runner import Standing, Stopping, fit


class Watch(Protocol):
    """Whoever wants to see a training as it goes."""

    def say(self, text: str) -> None:
        """Something is being done."""
        ...

    def begins(self, run: Run, seconds: float) -> None:
        """The dataset is prepared, which took so long; training begins."""
        ...

    def round(self, progress: Progress, measures: Mapping[str, float]) -> None:
        """A round is done, and validated where `measures` are given."""
        ...


class Unwatched:
    """Nobody looks."""

    def say(self, text: str) -> None:
        """Nothing."""

    def begins(self, run: Run, seconds: float) -> None:
        """Nothing."""

    def round(self, progress: Progress, measures: Mapping[str, float]) -> None:
        """Nothing."""


def train(
    model: str | None = None,
    dataset: str | Path | None = None,
    *,
    config: str | Path | None = None,
    watch: Watch | None = None,
    **options: Any,
) -> Run:
    """Trains a model on a dataset, tests it, and leaves a run.

    Args:
        model: its name; may stand in `config`.
        dataset: a name or the path of a log; may stand in `config`.
        config: a YAML file that mirrors the typed configs.
        watch: is told how it goes.
        options: any option of the model, of data, of evaluation or of the run, by its flat name: learning_rate=0.01, seed=1.

    Raises:
        InputError: an unknown model, dataset or option; a value or a log that is refused.
        TurretError: training failed.
    """
    file = None if config is None else Path(config)
    name = model_of(model, file)
    given = options if dataset is None else {"dataset": str(dataset), **options}
    with options_of(name):
        said = named(flatten(sections(name)), given)
    return start(gather(name, said, file), watch)


def start(settings: Settings, watch: Watch | None = None) -> Run:
    """Trains what `settings` say, in a new run directory."""
    watch = watch or Unwatched()
    job = compose(settings)  # what is refused is refused before anything is downloaded
    found = located(job.dataset, job.running.data_dir, watch.say)
    job = compose(settings, found.defaults)
    with settled(job.running):
        begun = time.perf_counter()
        prepared = prepare(found.path, job.data, progress=watch.say, threads=job.running.threads)
        seconds = time.perf_counter() - begun
        plan = _plan(job, prepared)
        note = Dataset(path=folder_of(prepared), hash=prepared.hash, source=found.path.resolve(), seconds=seconds)
        directory = RunDirectory.create(job.running.run_dir or _new_directory(job, found.name), job.nested(), note)
        return _carry_out(Run(directory, job, prepared), plan, watch)


def resume(run: str | Path | Run, watch: Watch | None = None) -> Run:
    """Goes on with a run that was interrupted; ends with the figures of one that was not. A finished one is left as it is, or tested again
    where what the test found is damaged.

    Raises:
        InputError: there is no such run, or its dataset has changed.
    """
    run = opened(run)
    with settled(run.job.running):
        if run.directory.finished and run.directory.intact(_warned):
            return run
        return _carry_out(run, _plan(run.job, run.prepared), watch or Unwatched())


@dataclass(frozen=True)
class Plan:
    """All that a training needs: made before its directory is, so that what does not fit together leaves nothing behind.

    Attributes:
        model: before training.
        procedure: how it is fitted.
        validation: measures it on the validation part; None where that is empty.
        test: measures it on the test part.
    """

    model: nn.Module
    procedure: Procedure
    validation: AnyEvaluator | None
    test: AnyEvaluator


def _plan(job: Job, prepared: Prepared) -> Plan:
    model = blank(job.model, job.config, prepared, job.running.seed)
    if not prepared.n_items and not isinstance(model, Ranker):
        raise UnsupportedError(
            f"{job.model} ranks items, and the log names none\n  Rankers learn from such a log: `turret models` says which they are."
        )
    reads = getattr(model, "reads", None)
    for part in (VALID, TEST):
        users = prepared.interactions(part).user
        if isinstance(reads, Reads) and reads.user and len(users) and int(users.min()) >= prepared.n_users:
            raise UnsupportedError(
                f"{job.model} knows people by their ids, and training sees none of the users of the {part} part\n"
                "  Models that read histories can be measured on such a split: `turret models` says which."
            )
    procedure: Procedure = catalogue.load(job.model).recipe(job.config, prepared)
    validation = evaluator_of(model, prepared, VALID, job.evaluation) if len(prepared.interactions(VALID)) else None
    return Plan(model, procedure, validation, evaluator_of(model, prepared, TEST, job.evaluation))


def _carry_out(run: Run, plan: Plan, watch: Watch) -> Run:
    """Trains and tests in the run's directory, which no other process may do meanwhile."""
    with run.directory.held():
        begun = time.perf_counter()
        watch.begins(run, run.seconds_prepared)
        standing = fit(
            plan.model,
            plan.procedure,
            run.directory,
            seed=run.job.running.seed,
            device=run.device,
            validate=None if plan.validation is None else plan.validation.measures,
            stopping=None if plan.validation is None else _stopping(run.job, plan.validation.decides),
            report=watch.round,
            say=_warned,
        )
        run.model = plan.model
        watch.say("testing")
        tested = plan.test(plan.model)
        others = baselines(run, TEST, run.job.evaluation)
        seconds = run.seconds_prepared + time.perf_counter() - begun
        run.directory.finish(_result(run, standing, tested, others, seconds), tested.save)
    return run


def _warned(text: str) -> None:
    warnings.warn(text, stacklevel=2)


def _stopping(job: Job, metric: Metric) -> Stopping:
    training = getattr(job.config, "training", None)
    if not isinstance(training, Training):
        return Stopping(str(metric), metric.lower_is_better)
    return Stopping(str(metric), metric.lower_is_better, training.early_stop_patience, training.eval_every)


def _result(run: Run, standing: Standing, tested: Evaluated, others: Mapping[str, Mapping[str, float]], seconds: float) -> dict[str, Any]:
    rounds = run.directory.rounds()
    found: dict[str, Any] = {
        "run": str(run.path),
        "model": run.job.model,
        "dataset": run.job.dataset,
        "seed": run.job.running.seed,
        "epochs": standing.round,
        "best.epoch": standing.best_round,
        **{f"valid.{name}": value for name, value in standing.best.items()},
        **figures("test", tested),
        "seconds.prepare": run.seconds_prepared,
        "seconds.train": sum(record["seconds"]["train"] for record in rounds),
        "seconds.validate": sum(record["seconds"]["validate"] for record in rounds),
        "seconds.test": tested.seconds,
        "seconds.total": seconds,
    }
    for name, metrics in others.items():
        found.update({f"{name}.{metric}": value for metric, value in metrics.items()})
    return found


def figures(part: str, evaluated: Evaluated) -> dict[str, Any]:
    """What an evaluation found, under flat names."""
    return {
        **{f"{part}.{name}": value for name, value in evaluated.metrics.items()},
        **{f"interval.{name}": list(interval) for name, interval in evaluated.intervals.items()},
        **{
            f"group.{kind}.{group}.{name}": value
            for kind, members in evaluated.groups.items()
            for group, metrics in members.items()
            for name, value in metrics.items()
        },
        "users": evaluated.audience.users,
        "users.unserved": evaluated.audience.unserved,
        "users.without_history": evaluated.audience.without_history,
        "truths": evaluated.audience.truths,
        "truths.unseen": evaluated.audience.truths_unseen,
        "truths.known": evaluated.audience.truths_known,
    }


def _new_directory(job: Job, dataset: str) -> Path:
    stem = f"{job.model}-{dataset}-{datetime.now(timezone.utc).astimezone():%Y%m%d-%H%M%S}"
    names = (Path("runs") / (stem if number == 1 else f"{stem}-{number}") for number in range(1, 10_000))
    return next(path for path in names if not path.exists())
