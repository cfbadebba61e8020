"""`turret compare`: says whether two runs differ by more than chance."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from turret import api
from turret.api.options import Section
from turret.cli import report
from turret.cli.verb import OUTPUT, Verb

PROSE = """Compares the tests of two runs, user by user: the mean of each, the difference (second less first) with its 95 % interval, and
how likely chance alone makes a difference so large, by the paired t-test and by the randomisation test."""


class Asked(BaseModel):
    """What to compare."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    run: Path
    """Directory of the first run."""
    other: Path
    """Directory of the second run."""
    samples: int = Field(default=10_000, ge=1)
    """Samples of the randomisation test."""


ASKED = Section("What", Asked)
VERB = Verb("compare RUN OTHER", PROSE, (ASKED, OUTPUT), ("run", "other"))


def run(words: Sequence[str]) -> None:
    """Compares what `words` name."""
    given = VERB.settings(words)
    asked, output = ASKED.build(given), OUTPUT.build(given)
    first, second = api.load(asked.run), api.load(asked.other)
    found = api.compare(first, second, samples=asked.samples)
    names = (f"1: {first.job.model}", f"2: {second.job.model}")
    report.comparisons(output.console, names, found)
    flat = {f"{each.metric}.{name}": value for each in found for name, value in dataclasses.asdict(each).items() if name != "metric"}
    differences = {f"{each.metric}.difference": each.difference for each in found}
    report.write_json({"first.run": str(first.path), "second.run": str(second.path), **flat, **differences}, output.json_file)
