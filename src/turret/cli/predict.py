"""`turret predict`: a ranker's probabilities for the rows of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from turret import api
from turret.api.options import Section
from turret.cli import report
from turret.cli.screen import line
from turret.cli.verb import OUTPUT, Verb

PROSE = """Writes the probabilities of a ranker for the rows of a file, one line a row in the order of the file.

The file has the columns that the run's log had; labels may be absent. Values that training never saw and missing ones are encoded as they
were in training, and counted."""


class Asked(BaseModel):
    """What to score."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    run: Path
    """Directory of the run."""
    file: Path
    """Rows to score: CSV, TSV, Parquet or JSON lines."""
    out: Path
    """File to write, .csv or .tsv."""


ASKED = Section("What", Asked)
VERB = Verb("predict RUN FILE --out FILE", PROSE, (ASKED, OUTPUT), ("run", "file"))
MOST = 5
"""Features that are named one by one."""


def run(words: Sequence[str]) -> None:
    """Scores what `words` ask for."""
    given = VERB.settings(words)
    asked, output = ASKED.build(given), OUTPUT.build(given)
    console = output.console
    found = api.predict(asked.run, asked.file, asked.out, say=output.say)
    line(console, f"{found.out}: {found.rows:,} rows read, {found.rows:,} written")
    for what, counts in (("not known to training", found.unseen), ("missing", found.missing)):
        most = sorted(((count, name) for name, count in counts.items() if count), reverse=True)
        if most:
            named = ", ".join(f"{name} {count:,}" for count, name in most[:MOST])
            line(console, f"values {what}: {named}{f' and {len(most) - MOST} other features' if len(most) > MOST else ''}")
    for note in found.notes:
        line(console, note)
    report.write_json({**asdict(found), "out": str(found.out)}, output.json_file)
