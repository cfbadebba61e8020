"""`turret evaluate`: tests a finished run again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from turret import api
from turret.api.fitting import figures
from turret.api.indexing import IndexKind
from turret.api.job import EVALUATION
from turret.api.options import Section
from turret.api.testing import baselines, evaluation_section, measure
from turret.cli import report
from turret.cli.screen import line
from turret.cli.verb import OUTPUT, Verb

PROSE = "Measures the model of a run again. Options of evaluation that are not given are as they were in the run."


class Asked(BaseModel):
    """What to evaluate."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    run: Path
    """Directory of the run."""
    part: Literal["test", "valid"] = "test"
    """Part of the split."""
    plot: Path | None = None
    """PNG file that gets a ranker's reliability: its predictions against the share of clicks, bin by bin."""
    index: IndexKind | None = None
    """Takes the lists from an index of the item vectors, exact or approximate, and reports its recall; none scores every item."""


ASKED = Section("What", Asked)


def run(words: Sequence[str]) -> None:
    """Measures what `words` say."""
    verb = Verb("evaluate RUN [options]", PROSE, (ASKED, EVALUATION, OUTPUT), ("run",))
    given = verb.settings(words)
    asked, output = ASKED.build(given), OUTPUT.build(given)
    opened = api.load(asked.run)
    config = evaluation_section(opened).build(given)
    found = measure(opened, asked.part, config, asked.plot, asked.index, lambda text: line(output.console, text))
    beside = baselines(opened, asked.part, config)
    report.measures(output.console, opened.job.model, found, beside, output.detail)
    if asked.plot is not None:
        line(output.console, f"plot: {asked.plot}")
    named = {f"{name}.{metric}": value for name, metrics in beside.items() for metric, value in metrics.items()}
    summary = {"run": str(opened.path), "model": opened.job.model, "dataset": opened.job.dataset}
    report.write_json(
        {**summary, **figures(asked.part, found), **report.index_figures(found.index), **named, "seconds.evaluate": found.seconds},
        output.json_file,
    )
