"""Impressions: who was shown what, with all that is known of both, of the moment, and of what the user chose before.

THE builder for rankers, used by training, evaluation and serving alike. A batch is three gathers, of users' features by user id, of items'
features by item id and of the log's own by row, set side by side. What is known of users and items is in memory; the log itself is read
from its memory-mapped columns in blocks, so that it may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from turret.batches.behaviour import Earlier
from turret.batches.features import Encoder, Features
from turret.batches.needs import needs_earlier_choices
from turret.batches.rows import MappedRows, Rows, RowSource
from turret.batches.schema import schema_of
from turret.core.context import NOTHING, Behaviours, History, Impressions, Reads
from turret.core.errors import UnsupportedError
from turret.core.features import Schema
from turret.core.interactions import IntArray
from turret.core.seeds import numpy_generator
from turret.data.features import ITEM, USER
from turret.data.prepared import TRAIN, Entities, Prepared

BLOCK = 1 << 14
"""Rows of the log that are read together where it is larger than what is held in memory."""
HELD = 1 << 20
"""Rows that are held in memory, unless told otherwise."""


class ImpressionBuilder:
    """Joins users, items and surroundings.

    The token of a user or an item is its id + 1; 0 is one that training never saw, whose features still count where they are known.

    Args:
        prepared: where the features come from.
        device: where impressions are built.

    Attributes:
        schema: what the impressions consist of.
        surroundings: how the log's own columns become features.
    """

    def __init__(self, prepared: Prepared, device: torch.device | str = "cpu") -> None:
        self.prepared, self.device = prepared, torch.device(device)
        self.schema = schema_of(prepared)
        self.surroundings = Encoder.of(prepared.parts[TRAIN].features)
        self._users = _by_id(prepared.users, prepared.n_users).to(self.device)
        self._items = _by_id(prepared.items, prepared.n_items).to(self.device)
        self._longest = {feature.name: feature.length for feature in self.schema.tags}

    def join(
        self, users: Tensor, items: Tensor, surroundings: Features, rows: Tensor, labels: Tensor, before: History | None = None
    ) -> Impressions:
        """The impressions of `users` [B] and `items` [B], any ids of the dataset or -1, at `rows` [B] of `surroundings`, after `before`."""
        sides = [(f"{USER}.", self._users, users + 1), (f"{ITEM}.", self._items, items + 1), ("", surroundings, rows)]
        behaviours = None if before is None else Behaviours(self._items.tokens[(before.items + 1) * before.mask].long(), before.mask)
        return Impressions(
            # index_select copies whole rows, which indexing with brackets does number by number, seven times as slowly.
            torch.cat([side.tokens.index_select(0, at) for _, side, at in sides], dim=1).long(),
            torch.cat([side.floats.index_select(0, at) for _, side, at in sides], dim=1),
            {
                f"{prefix}{name}": column.take(at, self._longest[f"{prefix}{name}"])
                for prefix, side, at in sides
                for name, column in side.sets.items()
            },
            labels,
            behaviours,
        )

    def pairs(self, users: Tensor, items: Tensor, before: History | None = None) -> Impressions:
        """Impressions that have not happened: `items` [B] as they would be shown to `users` [B] after `before`. Labels are [B, 0].

        Raises:
            UnsupportedError: the dataset's impressions have surroundings, which nobody knows here.
        """
        if self.schema.context:
            raise UnsupportedError(
                f"a score for any user and item needs the surroundings of the impression too: {', '.join(self.schema.context)}. "
                "They are known for the rows of a log alone, so this model can be evaluated on impressions but cannot recommend."
            )
        rows = torch.arange(len(users), device=self.device)
        nothing = Features.none(len(users), self.device)
        labels = torch.empty(len(users), 0, device=self.device)
        return self.join(users.to(self.device), items.to(self.device), nothing, rows, labels, before)


class ImpressionBatches:
    """The impressions of one part of a split, read in blocks from a log that may be larger than memory.

    An epoch holds `held` rows in memory at a time: blocks of the log drawn at random from all of it, whose rows are then shuffled among
    each other. A log of no more than `held` rows is thereby shuffled evenly and stays in memory; of a larger one, a batch is a random
    choice from `held / BLOCK` random places. The next rows are read while the present ones are trained on. All that an epoch draws, it
    draws at its beginning, so that the number of batches taken is an exact position in it.

    Args:
        prepared: the dataset.
        batch_size: impressions a step; the last batch may have fewer.
        part: which part.
        reads: what the model reads beside the impression: the latest `reads.history` earlier choices are joined to it.
        negative_share: share of the rows of label 0 (of the first task) that an epoch takes, drawn anew each time, block by block.
        held: rows in memory, in whole blocks.
        source: where the rows are read from; None: from the dataset itself.

    Raises:
        UnsupportedError: earlier choices are asked for, and the log does not tell them.
    """

    def __init__(
        self,
        prepared: Prepared,
        batch_size: int,
        part: str = TRAIN,
        reads: Reads = NOTHING,
        negative_share: float = 1.0,
        held: int = HELD,
        source: RowSource | None = None,
    ) -> None:
        self.prepared, self.batch_size, self.part, self.reads, self.negative_share = prepared, batch_size, part, reads, negative_share
        self._builder = ImpressionBuilder(prepared)
        if reads.history:
            needs_earlier_choices(self.schema)
        self._source = source or MappedRows(prepared.parts[part], self._builder.surroundings)
        self._blocks = [(start, min(start + BLOCK, len(self))) for start in range(0, len(self), BLOCK)]
        self._together = max(held // BLOCK, 1)
        self._earlier: Earlier | None = None
        self._all: Rows | None = None
        self._place(torch.device("cpu"))

    def _place(self, device: torch.device) -> None:
        if device != self._builder.device:
            self._builder, self._all = ImpressionBuilder(self.prepared, device), None
        if self.reads.history and (self._earlier is None or device != self._earlier.device):
            self._earlier = Earlier(self.prepared, self.part, self.reads.history, device)

    @property
    def schema(self) -> Schema:
        """What the impressions consist of."""
        return self._builder.schema

    def __len__(self) -> int:
        return len(self._source)

    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-(len(self) - int((self._zeros - self._quotas()).sum())) // self.batch_size)

    @cached_property
    def _zeros(self) -> IntArray:
        """int64 [blocks] the rows of label 0 of each block."""
        return np.array([self._source.zeros(*block) for block in self._blocks], dtype=np.int64)

    def _quotas(self) -> IntArray:
        """int64 [blocks] the rows of label 0 that an epoch takes of each block."""
        return np.asarray(np.ceil(self._zeros * self.negative_share), dtype=np.int64)

    def epoch(self, generator: torch.Generator) -> Iterator[Impressions]:
        """All impressions (of label 0 the share) in random order, on the generator's device."""
        device = generator.device
        self._place(device)
        # From one number: the order then depends neither on the device nor on what else is drawn meanwhile.
        own = numpy_generator(int(torch.randint(2**62, (), generator=generator, device=device)), "impressions")
        blocks = own.permutation(len(self._blocks))
        drawn = [np.sort(blocks[start : start + self._together]) for start in range(0, len(blocks), self._together)]
        left: Rows | None = None
        for number, (chosen, rows) in enumerate(self._ahead(drawn, device), 1):
            order = torch.from_numpy(own.permutation(len(rows)))
            if self.negative_share < 1:
                # Which rows are taken is drawn apart from their order: the ones that are left out may not all lie at its end.
                order = order[self._taken(rows, chosen, torch.from_numpy(own.permutation(len(rows))))[order]]
            if left is not None:
                rows, order = Rows.joined([left, rows]), torch.cat([torch.arange(len(left)), order + len(left)])
            whole = len(order) if number == len(drawn) else len(order) // self.batch_size * self.batch_size
            left = rows.take(order[whole:].to(device)) if whole < len(order) else None
            yield from self._batches(rows, order[:whole].to(device))

    def in_order(self, device: torch.device | str = "cpu") -> Iterator[Impressions]:
        """All impressions in the order of the part, for evaluation."""
        device = torch.device(device)
        self._place(device)
        together = self.batch_size * max(1, BLOCK * self._together // self.batch_size)
        for start in range(0, len(self), together):
            rows = self._source.read(start, min(start + together, len(self))).to(device)
            yield from self._batches(rows, torch.arange(len(rows), device=device))

    def _batches(self, rows: Rows, order: Tensor) -> Iterator[Impressions]:
        for at in torch.split(order, self.batch_size) if len(order) else ():
            before = None if self._earlier is None else self._earlier.before(rows.users[at], rows.times[at])
            yield self._builder.join(rows.users[at], rows.items[at], rows.surroundings, at, rows.labels[at], before)

    def _taken(self, rows: Rows, chosen: IntArray, order: Tensor) -> Tensor:
        """bool [n] whether a row is taken: all but those of label 0 that are too many, the later ones of each block by `order`."""
        of = torch.repeat_interleave(torch.tensor([stop - start for start, stop in map(self._blocks.__getitem__, chosen)]))
        zeros = order[rows.labels[order.to(rows.labels.device), 0].cpu() == 0]
        zeros = zeros[torch.argsort(of[zeros], stable=True)]
        counts, quotas = torch.from_numpy(self._zeros[chosen]), torch.from_numpy(self._quotas()[chosen])
        rank = torch.arange(len(zeros)) - torch.repeat_interleave(counts.cumsum(0) - counts, counts)
        taken = torch.ones(len(rows), dtype=torch.bool)
        taken[zeros[rank >= torch.repeat_interleave(quotas, counts)]] = False
        return taken

    def _ahead(self, drawn: Sequence[IntArray], device: torch.device) -> Iterator[tuple[IntArray, Rows]]:
        """The rows of each group of blocks; the next are read while the present ones are used."""
        if len(drawn) == 1:
            if self._all is None:
                self._all = self._source.read(0, len(self)).to(device)
            yield drawn[0], self._all
            return
        with ThreadPoolExecutor(1) as reader:
            coming = [reader.submit(self._read_blocks, chosen) for chosen in drawn[:1]]
            for number, chosen in enumerate(drawn, 1):
                rows = coming.pop().result()
                coming = [reader.submit(self._read_blocks, following) for following in drawn[number : number + 1]]
                yield chosen, rows.to(device)

    def _read_blocks(self, chosen: IntArray) -> Rows:
        return Rows.joined([self._source.read(*self._blocks[block]) for block in chosen])


def _by_id(entities: Entities, seen: int) -> Features:
    """Features with row = id + 1, the token of the entity itself first, where the log has such entities."""
    n = len(entities.vocabulary)
    features = Encoder.of(entities.features).encode(entities.features, 0, n)
    own = torch.arange(1, n + 1, dtype=torch.int32)
    ids = [torch.where(own <= seen, own, 0)[:, None]] if seen else []
    return Features(torch.cat([*ids, features.tokens], dim=1), features.floats, features.sets).after_unknown()
