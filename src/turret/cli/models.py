"""`turret models`: which models there are, and what each is."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.table import Table

from turret.api.options import Section, flatten
from turret.cli.verb import Verb, print_options
from turret.models import catalogue


class Words(BaseModel):
    """Which model."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str | None = Field(default=None)
    """A model; without one, all are listed."""


WORDS = Section("Model", Words)
VERB = Verb("models [NAME]", "Lists the models, or describes one: its equation, its source, its options.", (WORDS,), ("name",))


def run(words: Sequence[str]) -> None:
    """Prints the list, or one model's description."""
    name = WORDS.build(VERB.settings(words)).name
    if name is None:
        _list()
    else:
        _describe(name)


def _list() -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("model", "kind", "what it is"):
        table.add_column(heading, no_wrap=heading != "what it is")
    for name in catalogue.MODELS:
        module = catalogue.load(name)
        table.add_row(name, module.__name__.split(".")[2], (inspect.getdoc(module) or "").splitlines()[0])
    console = Console(highlight=False)
    console.print(table)
    console.print("\nturret models NAME tells more; turret train NAME --help lists all options.", markup=False)


def _describe(name: str) -> None:
    module = catalogue.load(name)
    print(inspect.getdoc(module))
    print_options(flatten([Section(module.__name__.split(".")[-1], module.Config)]).values())
