"""Why a run's model recommends an item: paths of its knowledge graph, in the names that people know."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from turret.api.run import Run
from turret.api.titles import title_of
from turret.core.context import Context
from turret.core.contracts import Explaining, Path
from turret.core.errors import UnsupportedError
from turret.data.beside import Triples
from turret.data.prepared import Prepared
from turret.evaluation.catalogue import at_rest
from turret.models import catalogue

PATHS = 3
"""That are given for each item, at most."""


@dataclass(frozen=True)
class Reason:
    """A path that leads to a recommended item.

    Attributes:
        weight: how much the model makes of it; docs/models.md says what that is for each model.
        entities: the tokens of what it passes: first an item that the user took, last the one that is recommended.
        relations: the tokens of what leads from each to the next, one fewer.
        titles: what people call each entity, where it is an item that has a title.
    """

    weight: float
    entities: tuple[str, ...]
    relations: tuple[str, ...]
    titles: tuple[str | None, ...]

    def __str__(self) -> str:
        first, *others = (f"{entity} ({title})" if title else entity for entity, title in zip(self.entities, self.titles, strict=True))
        return first + "".join(f" -- {relation} -> {entity}" for relation, entity in zip(self.relations, others, strict=True))


def refuse_silent(run: Run) -> None:
    """Refuses a model that cannot say why.

    Raises:
        UnsupportedError: names those that can.
    """
    if isinstance(run.model, Explaining):
        return
    able = [name for name in catalogue.MODELS if _explains(name)]
    raise UnsupportedError(f"{run.job.model} knows no paths that lead to an item, and cannot say why\n  Models that can: {', '.join(able)}")


def _explains(name: str) -> bool:
    module = catalogue.load(name)
    return any(kind.__module__ == module.__name__ and hasattr(kind, "why") for _, kind in inspect.getmembers(module, inspect.isclass))


def reasons(run: Run, context: Context, items: Sequence[int]) -> list[tuple[Reason, ...]]:
    """The strongest paths to each of some items, for the user whom a context of one request asks for."""
    if not items:
        return []
    model, triples = run.model, run.prepared.triples
    assert isinstance(model, Explaining) and triples is not None and context.users is not None
    asked = torch.tensor(items, dtype=torch.int64, device=context.users.device)
    with at_rest(model):
        found = model.why(context.users.expand(len(asked)), asked, PATHS)
    names = triples.with_inverses()
    return [tuple(_named(path, run.prepared, names) for path in paths) for paths in found]


def _named(path: Path, prepared: Prepared, triples: Triples) -> Reason:
    """A path in tokens and titles."""
    items, n_items = prepared.items, triples.n_items
    entities = (items.vocabulary.token(e) if e < n_items else triples.others.token(e - n_items) for e in path.entities)
    titles = (title_of(items, e) if e < n_items else None for e in path.entities)
    return Reason(path.weight, tuple(entities), tuple(triples.relations.tokens(path.relations)), tuple(titles))
