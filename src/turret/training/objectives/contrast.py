"""Users and items told from others of their kind across two views of a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from turret.core.context import Encoded, Positives
from turret.core.contracts import Lookup, Step
from turret.core.remembering import hand_back, state_of
from turret.losses.discrimination import discrimination

Views = Callable[[Any, Encoded, Step], tuple[Encoded, Encoded]]
"""Two views of a model's users and items, given the vectors that its main objective compares; `Remembering` where they outlast a step."""

Among = Callable[[Lookup, Lookup, Tensor], tuple[Tensor, Tensor, Tensor, Tensor]]
"""float [T, D] vectors, float [N, D] those that their counterparts are among, int64 [T] which ones those are, and int64 [T] how much each
counts; from two views of the nodes and int64 [B] the ids of those in a batch."""


@dataclass(frozen=True, slots=True)
class Layered(Encoded):
    """Both sides' vectors, and the layers that they were made of, which may be views of each other.

    Attributes:
        layers: 0..K.
    """

    layers: Sequence[Encoded] = ()


@dataclass(frozen=True)
class Contrast:
    """The InfoNCE of the batch's users between two views, and that of its right items.

    Attributes:
        views: makes them.
        among: which nodes of the views are told from which: `all_nodes` or `batch_nodes`.
        temperature: tau.
        item_share: how much items count, where users count 1.
    """

    views: Views
    among: Among
    temperature: float
    item_share: float = 1.0

    def __call__(self, model: Any, batch: Positives, encoded: Encoded, step: Step) -> Tensor:
        """A scalar."""
        first, second = self.views(model, encoded, step)
        assert first.users is not None and second.users is not None and batch.context.users is not None
        of_users, of_items = self._of(first.users, second.users, batch.context.users), self._of(first.items, second.items, batch.target)
        return of_users + self.item_share * of_items

    def _of(self, first: Lookup, second: Lookup, ids: Tensor) -> Tensor:
        vectors, others, target, weight = self.among(first, second, ids)
        return discrimination(vectors, others, target, self.temperature, weight)

    def state(self) -> dict[str, Tensor]:
        """What the views carry from step to step."""
        return state_of(self.views)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Hands it back to them."""
        hand_back(self.views, state)


def all_nodes(first: Lookup, second: Lookup, ids: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The batch's nodes, counting as often as they are in it, each told from all nodes of its kind (SGL)."""
    distinct, counts = torch.unique(ids, return_counts=True)
    return first[distinct], second.dense(), distinct, counts


def batch_nodes(first: Lookup, second: Lookup, ids: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The batch's nodes, counting once each, told from each other (SimGCL)."""
    distinct = torch.unique(ids)
    return first[distinct], second[distinct], torch.arange(len(distinct), device=ids.device), torch.ones_like(distinct)
