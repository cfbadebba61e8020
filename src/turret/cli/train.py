"""`turret train`: trains a model on a dataset, tests it, and recommends."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from turret import api
from turret.api import Run
from turret.api.datasets import data_section
from turret.api.fitting import start
from turret.api.job import EVALUATION, RUNNING, SUBJECT, gather, model_of, options_of, sections
from turret.api.options import Section, Settings
from turret.cli import report
from turret.cli.arguments import is_name, value_of
from turret.cli.screen import line, printable
from turret.cli.verb import OUTPUT, Output, Verb
from turret.core.errors import InputError, UnsupportedError
from turret.training.config import Training

PROSE = "Trains a model on a dataset with early stopping, tests it on the test part, and recommends to one user."
EXAMPLES = 5
"""Recommendations that are shown after training."""


class From(BaseModel):
    """Where settings come from beside the command line."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    config: Path | None = None
    """YAML file with settings; what the command line says outweighs it."""
    resume: Path | None = None
    """Run that was interrupted, to go on with; takes no other settings."""


FROM = Section("Settings", From)


def run(words: Sequence[str]) -> None:
    """Trains what `words` say."""
    if value_of("resume", words) is not None:
        verb = Verb("train --resume RUN", "Goes on with a run that was interrupted.", (FROM, OUTPUT))
        given = verb.settings(words)
    else:
        given = _given(words)
    output, source = OUTPUT.build(given), FROM.build(given)
    watch = report.Training(output.console, output.detail)
    try:
        if source.resume is not None:
            finished = api.resume(source.resume, watch)
        else:
            finished = start(gather(model_of(_model(words), source.config), given, source.config), watch)
    except (KeyboardInterrupt, SystemExit):
        if watch.run is not None:
            print(printable(f"stopped; turret train --resume {watch.run.path} goes on"), file=sys.stderr)
        raise
    finally:
        watch.close()
    _show(finished, output)


def _given(words: Sequence[str]) -> Settings:
    name, file = _model(words), value_of("config", words)
    if name is None and file is None:
        _verb(None).settings(words)
        raise InputError("no model is named", hint="turret train MODEL DATASET [options]; `turret models` lists the models.")
    model = model_of(name, Path(file) if file else None)
    with options_of(model):
        return _verb(model).settings(words)


def _model(words: Sequence[str]) -> str | None:
    """The model's name, which must be known before its options can be."""
    return value_of("model", words) or (words[0] if words and not is_name(words[0]) else None)


def _verb(model: str | None) -> Verb:
    if model is None:
        training = Section("Training (models that learn by gradient)", Training, ("training",))
        prose = f"{PROSE}\n\n`turret train MODEL --help` lists a model's own options and defaults too."
        return Verb("train MODEL DATASET [options]", prose, (SUBJECT, FROM, RUNNING, OUTPUT, training, data_section(), EVALUATION))
    subject, own, running, data, evaluation = sections(model)
    return Verb("train MODEL DATASET [options]", PROSE, (subject, FROM, own, running, OUTPUT, data, evaluation), ("model", "dataset"))


def _show(run: Run, output: Output) -> None:
    console, result = output.console, run.result
    seconds = f"{result['seconds.train']:.1f} s training, {result['seconds.total']:.1f} s in all"
    line(console, f"best of {result['epochs']} epochs: {result['best.epoch']}; {seconds}")
    beside = {other: _named(result, other) for other in ("popularity", "oracle")}
    report.measures(console, run.job.model, run.tested, {other: found for other, found in beside.items() if found}, output.detail)
    user = run.prepared.users.vocabulary.token(0)
    try:
        report.recommendations(console, f"user {user}", api.recommend(run, user=user, k=EXAMPLES))
    except UnsupportedError as error:
        line(console, str(error))
    report.write_json(result, output.json_file)


def _named(result: Mapping[str, Any], other: str) -> dict[str, float]:
    return {name.removeprefix(f"{other}."): value for name, value in result.items() if name.startswith(f"{other}.")}
