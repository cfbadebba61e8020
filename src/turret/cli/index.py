"""`turret index`: builds the index of a run, and says how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from turret import api
from turret.api.indexing import FOLDER, INDEXING
from turret.api.options import Section
from turret.cli import report
from turret.cli.screen import line
from turret.cli.verb import OUTPUT, Verb

PROSE = """Builds an approximate index of the item vectors of a run and keeps it in the run's folder, over one that is there.

`turret evaluate RUN --index approximate` and `turret recommend RUN --index approximate` use it, and build it where there is none."""


class Asked(BaseModel):
    """Of which run."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    run: Path
    """Directory of the run."""


ASKED = Section("What", Asked)
VERB = Verb("index RUN [options]", PROSE, (ASKED, INDEXING, OUTPUT), ("run",))


def run(words: Sequence[str]) -> None:
    """Builds what `words` say."""
    given = VERB.settings(words)
    asked, settings, output = ASKED.build(given), INDEXING.build(given), OUTPUT.build(given)
    opened = api.load(asked.run)
    found = api.build_index(opened, say=lambda text: line(output.console, text), **settings.model_dump())
    size = sum(file.stat().st_size for file in (opened.path / FOLDER).glob("*"))
    line(output.console, f"{size / 1e6:,.1f} MB")
    report.index(output.console, found)
    report.write_json({"run": str(opened.path), **report.index_figures(found), "index.bytes": size}, output.json_file)
