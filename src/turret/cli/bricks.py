"""`turret bricks`: the losses, samplers and scorers that retrievers are put together from, and what goes with what."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from turret.api.options import Section
from turret.cli.screen import screen, table
from turret.cli.verb import Verb
from turret.training.composition import table as bricks

PROSE = """Lists the losses, samplers and scorers of retrievers, what each costs, and what goes with what: + goes, s goes with
--no-exclude_seen, - does not; a composition that does not is refused with the reason.

T right items in a step, Q queries, N negatives of each, I items, K clusters, k candidates, D width of the vectors, H width of a layer."""


class Words(BaseModel):
    """How it is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    markdown: bool = False
    """Whether the tables are written as Markdown."""


WORDS = Section("Output", Words)
VERB = Verb("bricks [--markdown]", PROSE, (WORDS,))


def run(words: Sequence[str]) -> None:
    """Prints the tables."""
    listed = (bricks.losses(), bricks.samplers(), bricks.scorers())
    every = (*listed, bricks.losses_and_samplers(), bricks.losses_and_scorers(), bricks.samplers_and_scorers())
    if WORDS.build(VERB.settings(words)).markdown:
        print("\n\n".join(bricks.markdown(rows) for rows in every))
        return
    for rows in every:
        shown = table(*rows[0], right=False)
        for row in rows[1:]:
            shown.add_row(*row)
        screen().print(shown)
        print()
