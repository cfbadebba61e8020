"""The steps of both command lines: each does its part and tells it in the words and formats of the authors' code."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import torch

from turret.api.gru4rec.fitted import Epoch, Fitted, fit, measure
from turret.api.gru4rec.parameters import Parameters
from turret.api.job import RUNNING, Running
from turret.api.options import Setting, UnknownOptionError
from turret.core.errors import InputError
from turret.data.config import Source
from turret.data.layout import format_of
from turret.data.sessions import Columns, NoColumnError, Rows, check, read
from turret.data.vocabulary import Vocabulary
from turret.evaluation.next_item import NextItem

EvalType = Literal["standard", "conservative", "median"]
Metric = Literal["recall", "mrr"]
Say = Callable[[str], None]

CALLED = {"session": ("session IDs", "-sk"), "item": ("item IDs", "-ik"), "time": ("time", "-tk")}


def checked(path: Path, columns: Columns, say: Say) -> None:
    """Refuses a log, before it is needed, for what can be told of it at once.

    Raises:
        InputError: it is not there, is a pickle or lacks a column.
    """
    try:
        check(path, columns)
    except NoColumnError as error:
        prose, flag = CALLED[error.role]
        say(f'ERROR. The column specified for {prose} "{error.name}" is not in the data file ({path})')
        raise InputError(error.message, path=path, line=1, hint=f"{flag} says what it is called") from None


def loaded(path: Path, columns: Columns, say: Say) -> Rows:
    """Reads a log.

    Raises:
        InputError: it is not what it should be.
    """
    checked(path, columns, say)
    kind = "TAB separated file" if format_of(path, Source()) in ("tsv", "atomic") else "file"
    say(f"Loading data from {kind}: {path}")
    return read(path, columns)


def running(parameters: Parameters, device: str | None, seed: int | None) -> Running:
    """Device and seed: as given, or as the parameter file says, or the first GPU where there is one.

    Raises:
        InputError: there is no such device.
    """
    settings = {("device",): Setting("cuda:0" if torch.cuda.is_available() else "cpu", "-d"), **parameters.running}
    if device is not None:
        settings[("device",)] = Setting(device, "-d")
    if seed is not None:
        settings[("seed",)] = Setting(seed, "--seed")
    return RUNNING.build(settings)


def created(parameters: Parameters, device: str, say: Say) -> Any:
    """The config that parameters make.

    Raises:
        InputError: one is unknown, or its value is refused.
    """
    say(f'Creating GRU4Rec model on device "{device}"')
    try:
        config = parameters.config()
    except UnknownOptionError as error:
        say(f"Unkown attribute: {error.option}")
        raise
    for line in parameters.told(config):
        say(line)
    return config


def trained(rows: Rows, config: Any, running: Running, say: Say) -> Fitted:
    """Trains a model on a log.

    Raises:
        InputError: nothing can be learned from it.
        TurretError: training diverged.
    """
    say("Started training")
    start = time.perf_counter()
    _sort(rows, say)

    def tell(epoch: Epoch) -> None:
        seconds = max(epoch.progress.seconds, 1e-9)
        # Theirs counts every mini-batch as full; the last ones of an epoch are not.
        events = config.training.batch_size * epoch.batches if config.official_quirks else epoch.events
        speed = f"[{epoch.batches / seconds:.2f} mb/s | {events / seconds:.0f} e/s]"
        say(f"Epoch{epoch.progress.round} --> loss: {epoch.progress.measures['loss']:.6f} \t({seconds:.2f}s) \t{speed}")

    fitted = fit(rows, config, running.seed, torch.device(running.device), tell)
    say(f"Total training time: {time.perf_counter() - start:.2f}s")
    return fitted


def measured(fitted: Fitted, rows: Rows, cutoffs: Sequence[int], eval_type: EvalType, say: Say) -> NextItem:
    """Measures a model on a log.

    Raises:
        InputError: nothing of the log can be predicted.
    """
    say(f"Starting evaluation (cut-off={list(cutoffs)}, using {eval_type} mode for tiebreaking)")
    start = time.perf_counter()
    rows = _known(rows, fitted.items, say)
    _sort(rows, say)
    found = measure(fitted, rows, cutoffs, eval_type)
    say(f"Evaluation took {time.perf_counter() - start:.2f}s")
    for n in cutoffs:
        say(f"Recall@{n}: {found.recall[n]:.6f} MRR@{n}: {found.mrr[n]:.6f}")
    return found


def primary(found: NextItem, metric: Metric, say: Say) -> float:
    """The metric that decides, at the first cut-off."""
    value = getattr(found, metric)[found.cutoffs[0]]
    say(f"PRIMARY METRIC: {value}")
    return float(value)


def lengths(measure: int | Sequence[int], flag: str = "-m") -> list[int]:
    """Cut-offs, as a list.

    Raises:
        InputError: one is no length, or there are none.
    """
    cutoffs = [measure] if isinstance(measure, int) else list(measure)
    if not cutoffs or min(cutoffs) < 1:
        raise InputError(f"{flag}: cut-offs are whole numbers from 1 on", hint=f"{flag} 1 5 10 20, for instance")
    return cutoffs


def note(text: str) -> None:
    """Says, beside the output, what has no effect."""
    warnings.warn(text, stacklevel=3)


def _known(rows: Rows, items: Vocabulary, say: Say) -> Rows:
    say("Using existing item ID map")
    known = rows.among(items)
    if missed := len(rows) - len(known):
        say(f"{missed} of {len(rows)} events are of items that training did not see: left out")
    return known


def _sort(rows: Rows, say: Say) -> None:
    columns = rows.columns
    if rows.unsorted is None:
        say(f"The dataframe is already sorted by {columns.session}, {columns.time}")
        return
    say(f"The dataframe is not sorted by {rows.unsorted}, sorting now")
    start = time.perf_counter()
    _ = rows.log
    say(f"Data is sorted in {time.perf_counter() - start:.2f}")
