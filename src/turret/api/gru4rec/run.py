"""`turret gru4rec run`: trains or loads a GRU4Rec, saves it, and measures it on test sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from turret.api.gru4rec import model_file, steps
from turret.api.gru4rec.fitted import Fitted
from turret.api.gru4rec.parameters import Parameters, of_file, of_string
from turret.api.options import UnknownOptionError
from turret.core.errors import InputError
from turret.data.sessions import Columns
from turret.evaluation.next_item import NextItem


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        fitted: the model.
        measured: what it was measured to be, by test file.
    """

    fitted: Fitted
    measured: Mapping[Path, NextItem]


def run(
    path: str | Path,
    *,
    parameter_string: str | None = None,
    parameter_file: str | Path | None = None,
    load_model: bool = False,
    save_model: str | Path | None = None,
    test: str | Path | Sequence[str | Path] = (),
    measure: int | Sequence[int] = (20,),
    eval_type: steps.EvalType = "standard",
    sample_store_size: int | None = None,
    gru4rec_model: str | None = None,
    device: str | None = None,
    item_key: str = "ItemId",
    session_key: str = "SessionId",
    time_key: str = "Time",
    primary_metric: steps.Metric = "recall",
    log_primary_metric: bool = False,
    seed: int | None = None,
    official_quirks: bool = False,
    say: steps.Say = print,
) -> Outcome:
    """Trains or loads a model, saves it and measures it. Of `parameter_string`, `parameter_file` and `load_model` one is given.

    Args:
        path: the log to train on; with `load_model` a saved model.
        parameter_string: `name=value,name=value`.
        parameter_file: a `.py` file with an OrderedDict named `gru4rec_params`, which is read and not run, or YAML.
        load_model: whether `path` is a saved model.
        save_model: where the trained model is written.
        test: logs to measure on.
        measure: lengths of the lists that recall and MRR are taken at.
        eval_type: where an item counts that others are equal to: before them, behind them, or in the middle.
        sample_store_size, gru4rec_model: without effect here; the authors' code has a store of samples and several files to choose from.
        device: None: the first GPU, or without one the processor.
        item_key, session_key, time_key: the names of the columns.
        primary_metric: the metric that decides.
        log_primary_metric: whether it is printed, for the first of `measure`.
        seed: of all that is drawn.
        official_quirks: whether to compute as the authors' code does where this differs from its papers.
        say: is told each line.

    Raises:
        InputError: a file, a parameter or an option is not what it should be.
        TurretError: training diverged.
    """
    if (parameter_string is not None) + (parameter_file is not None) + load_model != 1:
        hint = "-ps NAME=VALUE,... or -pf FILE trains a model, and -l loads one"
        text = "ERROR. Exactly one of the following parameters must be provided: --parameter_string, --parameter_file, --load_model"
        say(text)
        raise InputError("parameters are given in one way, or a model is loaded", hint=hint)
    if sample_store_size is not None:
        steps.note("-ss has no effect: samples are drawn as they are needed, and there is no store of them")
    if gru4rec_model is not None:
        steps.note("-g has no effect: there is one GRU4Rec here")
    cutoffs, columns = steps.lengths(measure), Columns(session_key, item_key, time_key)
    tests = [Path(test)] if isinstance(test, (str, Path)) else [Path(each) for each in test]
    for each in tests:
        steps.checked(each, columns, say)
    saved = None if save_model is None else Path(save_model)
    if saved is not None and (load_model or saved.is_dir() or not saved.parent.is_dir()):
        reason = "-s saves what was trained, and -l trains nothing" if load_model else "no file can be written here"
        raise InputError(reason, path=saved, hint=None if load_model else "-s takes the name of a file in a folder that exists")
    if load_model:
        fitted = _loaded(Path(path), device, seed, official_quirks, say)
    else:
        parameters = _parameters(parameter_string, parameter_file, say)
        running = steps.running(parameters, device, seed)
        config = steps.created(parameters, running.device, say)
        config = config.model_copy(update={"official_quirks": config.official_quirks or official_quirks})
        say("Loading training data...")
        fitted = steps.trained(steps.loaded(Path(path), columns, say), config, running, say)
        if saved is not None:
            say(f"Saving trained model to: {saved}")
            model_file.save(fitted, saved)
    measured: dict[Path, NextItem] = {}
    for each in tests:
        say("Loading test data...")
        measured[each] = steps.measured(fitted, steps.loaded(each, columns, say), cutoffs, eval_type, say)
        if log_primary_metric:
            steps.primary(measured[each], primary_metric, say)
    return Outcome(fitted, measured)


def _loaded(path: Path, device: str | None, seed: int | None, official_quirks: bool, say: steps.Say) -> Fitted:
    running = steps.running(Parameters(), device, seed)
    say(f'Loading trained model from file: {path} (to device "{running.device}")')
    fitted = model_file.load(path, torch.device(running.device))
    quirks = fitted.config.official_quirks or official_quirks
    return Fitted(fitted.config.model_copy(update={"official_quirks": quirks}), fitted.model, fitted.items)


def _parameters(string: str | None, file: str | Path | None, say: steps.Say) -> Parameters:
    if file is None:
        return of_string(string or "")
    try:
        parameters = of_file(Path(file))
    except UnknownOptionError as error:
        say(f"Unkown attribute: {error.option}")
        raise
    for key in parameters.unused:
        steps.note(f"{key} in {file} has no effect: `turret train` alone has it")
    say(f"Loaded parameters from file: {Path(file).resolve()}")
    return parameters
