"""The small graph of the tests in both directions, and one in which a single path leads from what a user took to another item."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from turret.core.contracts import Path
from turret.core.interactions import Interactions
from turret.data.beside import Triples
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary

N_USERS, N_ITEMS, N_ENTITIES, N_RELATIONS = 4, 7, 10, 3
Edge = tuple[int, int, int]


def both_ways(prepared: Prepared) -> list[Edge]:
    """Every triple, and turned round by the inverse of its relation."""
    triples = prepared.triples
    assert triples is not None
    forwards = list(zip(triples.head.tolist(), triples.relation.tolist(), triples.tail.tolist(), strict=True))
    return forwards + [(tail, relation + triples.n_relations, head) for head, relation, tail in forwards]


def taken(prepared: Prepared, user: int) -> list[int]:
    """The items of a user, each once."""
    return sorted(set(prepared.train.item[prepared.train.user == user].tolist()))


def numbers(module: nn.Module) -> dict[str, np.ndarray]:
    """All parameters and buffers."""
    held = dict(module.named_parameters()) | dict(module.named_buffers())
    return {name: value.detach().numpy() for name, value in held.items()}


def every_path(begun: Path, edges: list[list[tuple[Edge, float]]], target: int) -> Iterator[Path]:
    """All ways on, by an edge of each step in turn, from where a path stands to another entity."""
    if begun.entities[-1] == target:
        yield begun
    elif len(begun.relations) < len(edges):
        for (head, relation, tail), weight in edges[len(begun.relations)]:
            if head == begun.entities[-1] and tail not in begun.entities:
                yield from every_path(Path((*begun.entities, tail), (*begun.relations, relation), begun.weight * weight), edges, target)


def single_path() -> Prepared:
    """User 0 took item 0, user 1 item 2. Item 0 leads by relation 0 to entity 4, item 1 does too; items 2 and 3 have entity 5 in common."""
    rows = Interactions(np.array([0, 1], np.int32), np.array([0, 2], np.int32), 2, 4)
    head, relation, tail = (np.array(column, np.int32) for column in ([0, 1, 2, 3], [0, 0, 1, 1], [4, 4, 5, 5]))
    names = (Vocabulary.of(f"{letter}{n}" for n in range(2)) for letter in "er")
    users, items = (Entities(Vocabulary.of(f"{letter}{n}" for n in range(count))) for letter, count in (("u", 2), ("i", 4)))
    triples = Triples(head, relation, tail, 4, *names)
    return Prepared("single", 2, 4, users, items, {"train": Part(rows)}, triples=triples)


def asked(*pairs: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Users and items, as `why` takes them."""
    users, items = torch.tensor(pairs).T
    return users, items


def ways(paths: list[Path]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Paths without their weights."""
    return [(path.entities, path.relations) for path in paths]
