"""`turret models`: which models there are, and what each is."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from types import ModuleType

from pydantic import BaseModel, ConfigDict, Field

from turret.api.options import Section, flatten
from turret.cli.screen import screen, table
from turret.cli.verb import Verb, print_options
from turret.core.context import Reads
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
    shown = table("model", "kind", "answers for", "what it is", right=False)
    for name in catalogue.MODELS:
        module = catalogue.load(name)
        shown.add_row(name, module.__name__.split(".")[2], _answers_for(module), (inspect.getdoc(module) or "").splitlines()[0])
    screen().print(shown)
    print("\nturret models NAME tells more; turret train NAME --help lists all options.")


def _answers_for(module: ModuleType) -> str:
    """Whom the model in a file can recommend to."""
    known = inspect.getmembers(module, inspect.isclass)  # of its own, or of `nn` where it is nothing but a composition
    own = [
        kind
        for _, kind in known
        if kind.__module__ == module.__name__ or (kind.__module__.startswith("turret.nn.") and hasattr(kind, "encode"))
    ]
    if not any(hasattr(kind, "encode") or hasattr(kind, "score_all") for kind in own):
        return "impressions"
    reads = next((reads for kind in own if isinstance(reads := getattr(kind, "reads", None), Reads)), None)
    if reads is None:
        return "histories"  # one that reads as many items as it is told to knows so when it is built
    return "users it knows" if reads.user else "histories" if reads.history else "anybody"


def _describe(name: str) -> None:
    module = catalogue.load(name)
    print(inspect.getdoc(module))
    print_options(flatten([Section(module.__name__.split(".")[-1], module.Config)]).values())
