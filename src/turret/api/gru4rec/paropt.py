"""`turret gru4rec paropt`: looks for the parameters with which a GRU4Rec does best on validation sessions.

Trials run in this process, not in a child each: the logs are read once, an error arrives as itself and not as a line of a child's output,
and nothing depends on the folder that the command was called in or on what `python` is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from turret.api.gru4rec import space, steps
from turret.api.gru4rec.fitted import Fitted
from turret.api.gru4rec.parameters import of_string, of_values
from turret.core.errors import InputError, TurretError
from turret.data.sessions import Columns
from turret.evaluation.next_item import NextItem

RULE = "-" * 80


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        parameters: the best values of those that were looked for.
        value: the metric that they came to.
        fitted: the model of the final run.
        measured: what it was measured to be.
    """

    parameters: Mapping[str, Any]
    value: float
    fitted: Fitted
    measured: NextItem


def paropt(
    path: str | Path,
    test: str | Path,
    *,
    optuna_parameter_file: str | Path,
    fixed_parameters: str = "",
    measure: int = 20,
    ntrials: int = 50,
    final_measure: int | Sequence[int] = (20,),
    primary_metric: steps.Metric = "recall",
    eval_type: steps.EvalType = "standard",
    gru4rec_model: str | None = None,
    device: str | None = None,
    item_key: str = "ItemId",
    session_key: str = "SessionId",
    time_key: str = "Time",
    seed: int | None = None,
    say: steps.Say = print,
) -> Found:
    """Tries parameters, keeps those with the highest metric, and runs them once more. All trials have the same seed.

    Args:
        path: the log to train on.
        test: the log to measure on.
        optuna_parameter_file: the space: one JSON object a line.
        fixed_parameters: those that all trials have, `name=value,name=value`.
        measure: the length of the lists that the metric is taken at.
        ntrials: how many trials.
        final_measure: lengths of the lists of the final run.
        primary_metric: what is made as high as can be.
        eval_type, gru4rec_model, device, item_key, session_key, time_key, say: see `run`.
        seed: of the search and of all that a training draws.

    Raises:
        InputError: a file, a parameter or an option is not what it should be; Optuna is not installed.
        TurretError: every trial diverged.
    """
    optuna = _optuna()
    if gru4rec_model is not None:
        steps.note("-g has no effect: there is one GRU4Rec here")
    if ntrials < 1:
        raise InputError("-nt: at least one trial is needed")
    cutoffs, finals = steps.lengths(measure), steps.lengths(final_measure, "-fm")
    columns, fixed = Columns(session_key, item_key, time_key), of_string(fixed_parameters)
    running = steps.running(fixed, device, seed)
    dimensions = space.read(Path(optuna_parameter_file), fixed)
    for log in (Path(path), Path(test)):
        steps.checked(log, columns, say)
    say("\n".join([RULE, "PARAMETER SPACE", *(f"\t{dimension.told}" for dimension in dimensions), RULE]))
    say("Loading training data...")
    training = steps.loaded(Path(path), columns, say)
    say("Loading test data...")
    validation = steps.loaded(Path(test), columns, say)

    def tried(values: Mapping[str, Any], lengths: Sequence[int]) -> tuple[Fitted, NextItem]:
        config = steps.created(of_values(values).over(fixed), running.device, say)
        fitted = steps.trained(training, config, running, say)
        return fitted, steps.measured(fitted, validation, lengths, eval_type, say)

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=running.seed))
    for number in range(ntrials):
        trial = study.ask()
        try:
            _, measured = tried({dimension.name: dimension.suggested(trial) for dimension in dimensions}, cutoffs)
        except InputError:
            raise
        except TurretError as error:
            # Parameters with which training diverges are part of most spaces: a bad trial, and no reason to stop.
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            say(f"Trial {number} came to nothing: {error}")
        else:
            study.tell(trial, steps.primary(measured, primary_metric, say))
            best = study.best_trial
            say(f"Trial {number} of {ntrials} is done; the best is trial {best.number} with {best.value}: {best.params}")
    if not any(trial.state == optuna.trial.TrialState.COMPLETE for trial in study.trials):
        raise TurretError(f"none of {ntrials} trials came to a result\n  Training diverged in all: try a space of smaller learning rates.")
    say(f"Running final eval @{finals}:")
    return Found(study.best_params, study.best_value, *tried(study.best_params, finals))


def _optuna() -> ModuleType:
    try:
        import optuna
    except ModuleNotFoundError:
        raise InputError("the search is Optuna's, which is not installed", hint="pip install 'turret[tuning]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # trials are reported here, in our own words
    return optuna
