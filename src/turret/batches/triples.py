"""Triples of a knowledge graph, each beside false ones: triples in which the tail, or the head, is another entity.

Whatever triple the graph has is never drawn as a false one ("filtered"): the entities that would complete (head, relation) truly are left
out of the draw, so that nothing is rejected and drawn again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from turret.batches.pairs import Pairs
from turret.core.context import Positives
from turret.core.interactions import IntArray

Replaced = Literal["tail", "either", "bernoulli"]
"""Which end of a triple another entity takes: the tail; head or tail, with the same chance; or by chances that depend on the relation."""


@dataclass(frozen=True, slots=True)
class Facts:
    """T triples and N false ones beside each, as they broadcast: column 0 is the true triple.

    Attributes:
        heads: int64 [T, 1] where only tails are replaced, else [T, 1 + N].
        relations: int64 [T, 1].
        tails: int64 [T, 1 + N].
        mask: bool [T, N], False where no false triple could be drawn, since all would be true; None where all could.
    """

    heads: Tensor
    relations: Tensor
    tails: Tensor
    mask: Tensor | None = None

    def __len__(self) -> int:
        return len(self.relations)


class FactBatches:
    """Every triple once an epoch, in random order, each time beside false ones that are drawn anew.

    With "bernoulli", a head is replaced with the probability (tails a head) / (tails a head + heads a tail) of its relation, which draws
    fewer false triples that are only unknown: Z. Wang, J. Zhang, J. Feng, Z. Chen. "Knowledge Graph Embedding by Translating on
    Hyperplanes." AAAI 2014, section 3.3.

    Args:
        heads, relations, tails: int [n] the triples, each of them once.
        n_entities: ids that may be drawn are 0..n_entities-1, all alike.
        batch_size: triples a step; the last batch of an epoch may have fewer.
        negatives: N.
        replaced: which end is replaced.
    """

    def __init__(
        self,
        heads: IntArray,
        relations: IntArray,
        tails: IntArray,
        n_entities: int,
        batch_size: int,
        negatives: int = 1,
        replaced: Replaced = "tail",
    ) -> None:
        self.batch_size, self.negatives = batch_size, negatives
        self.heads, self.relations, self.tails = (torch.tensor(ids, dtype=torch.int64) for ids in (heads, relations, tails))
        self._other_tails = _Others(self.heads, self.relations, self.tails, n_entities)
        self._other_heads: _Others | None = None
        if replaced != "tail":
            self._other_heads = _Others(self.tails, self.relations, self.heads, n_entities)
            self._head_chance = torch.full((len(self),), 0.5)
        if replaced == "bernoulli":
            self._head_chance = _head_chance(heads, relations, tails)[self.relations]

    def __len__(self) -> int:
        return len(self.relations)

    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self) // self.batch_size)

    def epoch(self, generator: torch.Generator) -> Iterator[Facts]:
        """`Facts` of each triple once."""
        yield from self._cut(torch.randperm(len(self), generator=generator, device=generator.device), generator)

    def rounds(self, steps: int, generator: torch.Generator) -> Iterator[Facts]:
        """So many full batches, in which no triple comes again before all have come."""
        total = steps * self.batch_size
        passes = max(-(-total // len(self)), 1)
        orders = [torch.randperm(len(self), generator=generator, device=generator.device) for _ in range(passes)]
        yield from self._cut(torch.cat(orders)[:total], generator)

    def _cut(self, order: Tensor, generator: torch.Generator) -> Iterator[Facts]:
        """The triples `order` [M] in batches; all is drawn before the first."""
        device = generator.device
        self.heads, self.relations, self.tails = self.heads.to(device), self.relations.to(device), self.tails.to(device)
        heads, relations, tails = self.heads[order, None], self.relations[order, None], self.tails[order, None]
        mask, drawn = self._other_tails.draw(order, self.negatives, generator)
        if self._other_heads is not None:
            mask_heads, drawn_heads = self._other_heads.draw(order, self.negatives, generator)
            chance = self._head_chance.to(device)[order, None]
            at_head = torch.rand(drawn.shape, generator=generator, device=device) < chance
            heads = torch.cat([heads, torch.where(at_head, drawn_heads, heads)], dim=1)
            drawn, mask = torch.where(at_head, tails, drawn), torch.where(at_head, mask_heads, mask)
        tails = torch.cat([tails, drawn], dim=1)
        exhausted = not bool(mask.all())
        for start in range(0, len(order), self.batch_size):
            rows = slice(start, start + self.batch_size)
            yield Facts(heads[rows], relations[rows], tails[rows], mask[rows] if exhausted else None)


@dataclass(frozen=True, slots=True)
class PositivesWithFacts(Positives):
    """What users chose, and beside it what is known.

    Attributes:
        facts: of the step.
    """

    facts: Facts = field(kw_only=True)


class PairsWithFacts:
    """Every interaction once an epoch, in random order, and beside each batch of them one of facts, which go round as often as they must.

    Args:
        pairs: of users and items.
        facts: of the graph.
    """

    def __init__(self, pairs: Pairs, facts: FactBatches) -> None:
        self.pairs, self.facts = pairs, facts

    def steps(self) -> int:
        """How many batches an epoch has."""
        return self.pairs.steps()

    def epoch(self, generator: torch.Generator) -> Iterator[PositivesWithFacts]:
        """`PositivesWithFacts` with users [B] and targets [B]."""
        facts = self.facts.rounds(self.steps(), generator)
        for batch, beside in zip(self.pairs.epoch(generator), facts, strict=True):
            yield PositivesWithFacts(batch.context, batch.target, places=batch.places, facts=beside)


class _Others:
    """For each of n triples, the entities that one of its ends is not: those that are true in its place are left out.

    As `sampling.seen.Seen` draws what a user has not taken: with the d true ones being s_0 < s_1 < ..., the r-th of the others is r plus
    the number of j with s_j - j <= r, which a binary search finds.

    Args:
        given, relations: int64 [n] the other end, and the relation.
        ends: int64 [n] the end.
        n_entities: N, of which there are ends.
    """

    def __init__(self, given: Tensor, relations: Tensor, ends: Tensor, n_entities: int) -> None:
        self.n_entities = n_entities
        n_relations = int(relations.max()) + 1 if len(relations) else 0
        _, self.group = torch.unique(given * n_relations + relations, return_inverse=True)
        true = torch.unique(self.group * n_entities + ends)
        group = true // n_entities
        counts = group.bincount()
        self.start = counts.cumsum(0) - counts
        self.left = n_entities - counts
        self.gaps = true - (torch.arange(len(true)) - self.start[group])

    def draw(self, rows: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """bool [T, N] whether there is any, and int64 [T, N] some of them, for the triples `rows` [T]; all with the same probability."""
        device = generator.device
        if self.group.device != device:
            for name in ("group", "start", "left", "gaps"):
                setattr(self, name, getattr(self, name).to(device))
        group = self.group[rows, None]
        left = self.left[group]
        uniform = torch.rand((len(rows), count), generator=generator, device=device, dtype=torch.float64)
        ranks = (uniform * left).long()
        places = torch.searchsorted(self.gaps, group * self.n_entities + ranks, right=True)
        drawn = ranks + places - self.start[group]
        return (left > 0).expand(drawn.shape), drawn.clamp(max=self.n_entities - 1)


def _head_chance(heads: IntArray, relations: IntArray, tails: IntArray) -> Tensor:
    """float32 [R] tails a head / (tails a head + heads a tail), which is the share of tails among the relation's heads and tails."""
    n_relations = int(relations.max()) + 1 if len(relations) else 0

    def different(ends: IntArray) -> IntArray:
        pairs = np.unique(np.stack([relations, ends]), axis=1)
        return np.bincount(pairs[0], minlength=n_relations)

    n_heads, n_tails = different(heads), different(tails)
    return torch.from_numpy(n_tails / np.maximum(n_heads + n_tails, 1)).float()
