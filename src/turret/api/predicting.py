"""Probabilities for the rows of a file, by the model of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from turret.api.machine import settled
from turret.api.run import Run, opened
from turret.batches.impressions import ImpressionBatches
from turret.core.contracts import Ranker
from turret.core.errors import InputError, UnsupportedError
from turret.core.files import write_atomically
from turret.data.prepared import Part
from turret.data.rows import read_rows
from turret.evaluation.catalogue import at_rest
from turret.evaluation.finite import finite_predictions

SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
NEW = "new"
BATCH_SIZE = 8192


@dataclass(frozen=True)
class Predicted:
    """What was written.

    Attributes:
        out: the file.
        rows: how many were read, and written.
        columns: of `out`.
        missing: by feature, in how many rows it had no value.
        unseen: by categorical feature, how many values training did not see often enough.
        notes: what else is to be said of the rows.
    """

    out: Path
    rows: int
    columns: tuple[str, ...]
    missing: Mapping[str, int]
    unseen: Mapping[str, int]
    notes: tuple[str, ...]


def predict(run: str | Path | Run, file: str | Path, out: str | Path, *, say: Callable[[str], None] = lambda text: None) -> Predicted:
    """Writes a ranker's probabilities for the rows of a file: after a header, one line a row in the order of the file, a column a task.

    The file has the columns that the run's log had; others are passed over, and labels may be absent. Values that training never saw and
    missing ones are encoded as they were in training, and counted. Where the loss is not of answers, predictions are written in place of
    probabilities. Neither the rows nor the predictions are ever in memory at once.

    Args:
        run: a run of a ranker, or its directory.
        file: CSV, TSV, Parquet or JSON lines, written like the run's log.
        out: a .csv or .tsv file; what was there is replaced when all is written.
        say: is told what is being done.

    Raises:
        InputError: a column is missing, a number is none (with its line), `out` is of another kind or is `file`, or rows have no time and
            the model reads what their users chose before.
        UnsupportedError: the run's model is no ranker.
        TurretError: a prediction is NaN or infinite; says in which rows, and nothing is written.
    """
    run, out = opened(run), Path(out)
    if not isinstance(run.model, Ranker):
        raise UnsupportedError(f"{run.job.model} ranks items and gives no probabilities: `turret recommend` asks it")
    separator = SEPARATORS.get(out.suffix.lower())
    if separator is None:
        raise InputError(f"predictions are written to {', '.join(SEPARATORS)} files", path=out)
    if out.resolve() == Path(file).resolve():
        raise InputError("the rows that are read would be overwritten by what is predicted of them", path=out, hint="Name another --out.")
    threads = run.job.running.threads
    with settled(run.job.running), read_rows(file, run.prepared, run.job.data.source, say, threads=threads) as new:
        if run.model.reads.history:
            _needs_times(new.part, run.job.model, Path(file))
        n, answers = len(new.part.interactions), run.job.config.clicks.loss == "binary_cross_entropy"  # type: ignore[attr-defined]
        what = "probability" if answers else "prediction"
        columns = (what,) if len(run.model.tasks) == 1 else tuple(f"{what}.{task}" for task in run.model.tasks)
        say(f"scoring {n:,} rows")

        def write(place: Path) -> None:
            with place.open("w", encoding="utf-8", newline="\n") as written:
                written.write(separator.join(columns) + "\n")
                for logits in _logits(run, new.part, Path(file)):
                    written.write(_lines(torch.sigmoid(logits) if answers else logits, separator))

        write_atomically(out, write)
        return Predicted(out, n, columns, dict(new.missing), dict(new.unseen), tuple(str(entry) for entry in new.report))


def _needs_times(part: Part, model: str, file: Path) -> None:
    """Without its time, a row would be given all that its user ever chose, its own outcome included."""
    times = part.interactions.time
    lacking = len(part.interactions) if times is None else int(np.count_nonzero(np.isnan(times)))
    if lacking:
        raise InputError(f"{model} reads what a user chose before each row, and {lacking:,} rows have no time", path=file)


def _logits(run: Run, part: Part, file: Path) -> Iterator[Tensor]:
    """float32 [B, T] on the CPU, block by block, of the rows of `file`.

    Raises:
        TurretError: some are NaN or infinite.
    """
    prepared, model, done = replace(run.prepared, parts={**run.prepared.parts, NEW: part}), run.model, 0
    assert isinstance(model, Ranker)
    with at_rest(run.model):
        for impressions in ImpressionBatches(prepared, BATCH_SIZE, NEW, model.reads).in_order(run.device):
            logits = finite_predictions(model(impressions), done, str(file))
            done += len(logits)
            yield torch.from_numpy(logits)


def _lines(block: Tensor, separator: str) -> str:
    return "".join(separator.join(f"{value:.9g}" for value in row) + "\n" for row in block.tolist())
