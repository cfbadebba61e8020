"""What goes with what, as tables: computed from the same rules that refuse the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from turret.training.composition.config import Composition
from turret.training.composition.losses import FULL, LOSSES, SAMPLED, LossName
from turret.training.composition.matching import reason_against
from turret.training.composition.samplers import SAMPLERS
from turret.training.composition.scorers import SCORERS

Rows = list[list[str]]
YES, NO, WITH_SEEN = "+", "-", "s"


def losses() -> Rows:
    """Each loss: its name, what it is, and what a step costs beside the model, in the letters of `samplers` and Q queries."""
    return [["loss", "what it is", "cost of a step"], *([name, loss.prose, _cost(name)] for name, loss in LOSSES.items())]


def _cost(name: LossName) -> str:
    if name in SAMPLED:
        return "T N of the scorer"
    if name not in FULL:
        return "T² D"
    return "Q I of the scorer" if name == "softmax" else "(Q + I) D²"


def samplers() -> Rows:
    """Each sampler: its name, what it draws, what a step costs (T right items, N negatives, I items, K clusters, k candidates, D width),
    and whether it can be drawn ahead."""
    heads = ["sampler", "what it draws", "cost of a step", "ahead"]
    return [heads, *([name, each.prose, each.cost, YES if each.fixed else NO] for name, each in SAMPLERS.items())]


def scorers() -> Rows:
    """Each scorer: its name, what it is, what a pair costs (D width, H width of a layer), and whether it is an inner product, so that an
    index, quantising samplers and blocked losses can use it."""
    heads = ["scorer", "what it is", "cost of a pair", "inner product"]
    return [heads, *([name, each.prose, each.cost, YES if each.factored else NO] for name, each in SCORERS.items())]


def losses_and_samplers() -> Rows:
    """+ where some composition of the two is legal, s where what users have seen must not be excluded, - where none is."""
    return _against("loss", LOSSES, "sampler", SAMPLERS)


def losses_and_scorers() -> Rows:
    """The same of losses and scorers, ..."""
    return _against("loss", LOSSES, "scorer", SCORERS)


def samplers_and_scorers() -> Rows:
    """... and of samplers and scorers."""
    return _against("sampler", SAMPLERS, "scorer", SCORERS)


def _against(kind: str, names: Iterable[str], other: str, others: Iterable[str]) -> Rows:
    return [[kind, *others], *([name, *(_mark({kind: name, other: each}) for each in others)] for name in names)]


def legal(given: Mapping[str, Any]) -> bool:
    """Whether some composition with these bricks makes sense."""
    return any(reason_against(said) is None for said in _completed(given))


def _mark(given: Mapping[str, Any]) -> str:
    if legal({"exclude_seen": True, **given}):
        return YES
    return WITH_SEEN if legal({"exclude_seen": False, **given}) else NO


def _completed(given: Mapping[str, Any]) -> Iterator[Composition]:
    every = {"loss": tuple(LOSSES), "sampler": (None, *SAMPLERS), "scorer": tuple(SCORERS), "exclude_seen": (True, False)}
    for values in product(*((given[name],) if name in given else choices for name, choices in every.items())):
        yield Composition.model_construct(**dict(zip(every, values, strict=True)))


def markdown(rows: Rows) -> str:
    """A table as Markdown."""
    heads, *others = ([f"`{row[0]}`", *row[1:]] if number else row for number, row in enumerate(rows))
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *others))
