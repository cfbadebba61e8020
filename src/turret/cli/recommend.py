"""`turret recommend`: recommends to a user of the log, or to somebody known by a history."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from turret import api
from turret.api.indexing import IndexKind
from turret.api.options import Section
from turret.cli import report
from turret.cli.verb import OUTPUT, Verb

PROSE = """Recommends items, by their ids in the log and their titles where an item table has them.

A user of the log is known by all that the log says, also what training did not see. Somebody else is known by a history, if the model reads
histories; if it does not, the command says so."""


class Asked(BaseModel):
    """Whom to recommend what."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    run: Path
    """Directory of the run."""
    user: str | None = None
    """Id of a user of the log."""
    history: tuple[str, ...] | None = None
    """Ids of items that somebody took, oldest first."""
    k: int = Field(default=10, ge=1)
    """How many items."""
    include_seen: bool = False
    """Whether items that the user took already may be recommended."""
    index: IndexKind | None = None
    """Finds the items through an index of the item vectors, exact or approximate; none scores every item."""
    why: bool = False
    """Whether to say by which paths of a knowledge graph each item is reached from what the user took; a model that cannot tell says which
    can."""


ASKED = Section("What", Asked)
VERB = Verb("recommend RUN --user ID | --history ITEM,ITEM,... [-k 10] [--why]", PROSE, (ASKED, OUTPUT), ("run",))


def run(words: Sequence[str]) -> None:
    """Recommends what `words` ask for."""
    given = VERB.settings(words)
    asked, output = ASKED.build(given), OUTPUT.build(given)
    found = api.recommend(
        asked.run,
        user=asked.user,
        history=asked.history,
        k=asked.k,
        include_seen=asked.include_seen,
        index=asked.index,
        why=asked.why,
    )
    whom = f"user {asked.user}" if asked.user is not None else f"the history {','.join(asked.history or ())}"
    report.recommendations(output.console, whom, found)
    if asked.why:
        report.reasons(output.console, found)
    listed = [dataclasses.asdict(each) for each in found]
    report.write_json({"run": str(asked.run), "user": asked.user, "history": asked.history, "items": listed}, output.json_file)
