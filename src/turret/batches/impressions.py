"""Impressions: who was shown what, with all that is known of both and of the moment.

THE builder for rankers, used by training, evaluation and serving alike. A batch is three gathers, of users' features by user id, of items'
features by item id and of the log's own by row, set side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from turret.batches.features import Encoder, Features
from turret.core.context import Impressions
from turret.core.errors import InputError, UnsupportedError
from turret.data.prepared import TRAIN, Entities, Prepared

T = TypeVar("T")
USER, ITEM, CONTEXT = "user", "item", "context"


@dataclass(frozen=True)
class Fields:
    """What an impression consists of, in the order of its columns. Features are named `user.age`, `item.genre`, `context.weather`.

    Attributes:
        tokens: categorical fields (`user` and `item` among them) and how many ids each has, 0 included.
        sets: multi-valued fields, likewise.
        floats: dense fields.
    """

    tokens: Mapping[str, int]
    sets: Mapping[str, int]
    floats: tuple[str, ...]

    @property
    def context(self) -> tuple[str, ...]:
        """The fields that follow neither from the user nor from the item: the surroundings of an impression that really happened."""
        return tuple(name for name in (*self.tokens, *self.sets, *self.floats) if name.startswith(f"{CONTEXT}."))


class ImpressionBuilder:
    """Joins users, items and surroundings.

    The token of a user or an item is its id + 1; 0 is one that training never saw, whose features still count where they are known.
    Numbers are standardised by their mean and deviation over training's impressions.

    Args:
        prepared: where the features come from.
        device: where impressions are built.
    """

    def __init__(self, prepared: Prepared, device: torch.device | str = "cpu") -> None:
        self.prepared, self.device = prepared, torch.device(device)
        train = prepared.parts[TRAIN]
        users = Encoder.fit(prepared.users.features, np.bincount(train.interactions.user, minlength=len(prepared.users.vocabulary)))
        items = Encoder.fit(prepared.items.features, np.bincount(train.interactions.item, minlength=len(prepared.items.vocabulary)))
        self._context = Encoder.fit(train.features, np.ones(len(train.interactions), dtype=np.int64))
        self._users = _by_id(users, prepared.users, prepared.n_users).to(self.device)
        self._items = _by_id(items, prepared.items, prepared.n_items).to(self.device)
        sides = {USER: users, ITEM: items, CONTEXT: self._context}
        ids = {USER: {USER: prepared.n_users + 1}, ITEM: {ITEM: prepared.n_items + 1}, CONTEXT: {}}
        self.fields = Fields(
            {name: size for side in sides for name, size in (ids[side] | _named(side, sides[side].tokens)).items()},
            {name: size for side in sides for name, size in _named(side, sides[side].sets).items()},
            tuple(name for side in sides for name in _named(side, sides[side].dense)),
        )

    def surroundings(self, part: str) -> Features:
        """The log's own features of each row of a part."""
        return self._context.encode(self.prepared.parts[part].features, len(self.prepared.interactions(part))).to(self.device)

    def join(self, users: Tensor, items: Tensor, surroundings: Features, rows: Tensor, labels: Tensor) -> Impressions:
        """The impressions of `users` [B] and `items` [B], any ids of the dataset or -1, at `rows` [B] of `surroundings`."""
        sides = [(USER, self._users, users + 1), (ITEM, self._items, items + 1), (CONTEXT, surroundings, rows)]
        return Impressions(
            torch.cat([side.tokens[at] for _, side, at in sides], dim=1).long(),
            torch.cat([side.floats[at] for _, side, at in sides], dim=1),
            {f"{prefix}.{name}": column.take(at) for prefix, side, at in sides for name, column in side.sets.items()},
            labels,
        )

    def pairs(self, users: Tensor, items: Tensor) -> Impressions:
        """Impressions that have not happened: `items` [B] as they would be shown to `users` [B]. Labels are [B, 0].

        Raises:
            UnsupportedError: the dataset's impressions have surroundings, which nobody knows here.
        """
        if self.fields.context:
            raise UnsupportedError(
                f"a score for any user and item needs the surroundings of the impression too: {', '.join(self.fields.context)}. "
                "They are known for the rows of a log alone, so this model can be evaluated on impressions but cannot recommend."
            )
        nothing = Features(
            torch.empty(len(users), 0, dtype=torch.int32, device=self.device), torch.empty(len(users), 0, device=self.device), {}
        )
        rows = torch.arange(len(users), device=self.device)
        return self.join(users.to(self.device), items.to(self.device), nothing, rows, torch.empty(len(users), 0, device=self.device))


class ImpressionBatches:
    """The impressions of one part of a split.

    Args:
        prepared: the dataset.
        batch_size: impressions a step; the last batch may have fewer.
        part: which part.

    Raises:
        InputError: the dataset has no labels.
    """

    def __init__(self, prepared: Prepared, batch_size: int, part: str = TRAIN) -> None:
        log = prepared.interactions(part)
        if log.label is None:
            raise InputError(
                f"{prepared.name} has no labels, and a ranker learns from what was shown and answered or not",
                hint="Say which column it is (--columns NAME=label), or from which rating on an interaction counts (--label_threshold 4).",
            )
        self.prepared, self.batch_size, self.part = prepared, batch_size, part
        self._users = torch.tensor(log.user, dtype=torch.int64)
        self._items = torch.tensor(log.item, dtype=torch.int64)
        self._labels = torch.tensor(log.label, dtype=torch.float32).unsqueeze(1)
        self._place(torch.device("cpu"))

    def _place(self, device: torch.device) -> None:
        self._builder = ImpressionBuilder(self.prepared, device)
        self._surroundings = self._builder.surroundings(self.part)
        self._users, self._items, self._labels = self._users.to(device), self._items.to(device), self._labels.to(device)

    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self._users) // self.batch_size)

    def epoch(self, generator: torch.Generator) -> Iterator[Impressions]:
        """All impressions in random order, on the generator's device."""
        yield from self._slices(torch.randperm(len(self._users), generator=generator, device=generator.device))

    def in_order(self, device: torch.device | str = "cpu") -> Iterator[Impressions]:
        """All impressions in the order of the part, for evaluation."""
        yield from self._slices(torch.arange(len(self._users), device=device))

    def _slices(self, order: Tensor) -> Iterator[Impressions]:
        if order.device != self._users.device:
            self._place(order.device)
        for rows in torch.split(order, self.batch_size):
            yield self._builder.join(self._users[rows], self._items[rows], self._surroundings, rows, self._labels[rows])


def _by_id(encoder: Encoder, entities: Entities, seen: int) -> Features:
    """Features with row = id + 1, the token of the entity itself first."""
    n = len(entities.vocabulary)
    features = encoder.encode(entities.features, n)
    own = torch.arange(1, n + 1, dtype=torch.int32)
    tokens = torch.cat([torch.where(own <= seen, own, 0)[:, None], features.tokens], dim=1)
    return Features(tokens, features.floats, features.sets).after_unknown()


def _named(side: str, columns: Mapping[str, T]) -> dict[str, T]:
    return {f"{side}.{name}": value for name, value in columns.items()}
