"""Link prediction: how far up a model of triples puts the entity that completes one, among all entities.

    the rank of (h, r, t) as to its tail = 1 + how many (h, r, e) score higher + half of how many others score the same
    and as to its head likewise

Filtered, entities that complete it to another true triple are left out of the count; raw, they are counted. A. Bordes, N. Usunier,
A. Garcia-Duran, J. Weston, O. Yakhnenko. "Translating Embeddings for Modeling Multi-relational Data." NIPS 2013, section 4. The mean place
of ties, so that a model that scores all alike gains nothing by it: M. Berrendorf, E. Faerman, L. Vermue, V. Tresp. "On the Ambiguity of
Rank-Based Evaluation of Entity Alignment or Link Prediction Methods." arXiv 2002.06914.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from turret.core.errors import TurretError
from turret.core.interactions import FloatArray, IntArray
from turret.evaluation.finite import DIVERGED
from turret.training.objectives.facts import TripleScorer

BLOCK = 1 << 17
"""Triples that are scored at a time."""

Columns = tuple[IntArray, IntArray, IntArray]
"""int [n] heads, relations and tails."""

Score = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Of the other ends [B, 1], relations [B, 1] and ends [B, C]: float [B, C]."""


@dataclass(frozen=True)
class Ranks:
    """The ranks of n triples.

    Attributes:
        heads, tails: float64 [n] the rank as to the head, and as to the tail; 1 is best, and ties make halves.
    """

    heads: FloatArray
    tails: FloatArray

    @property
    def both(self) -> FloatArray:
        """float64 [2 n]."""
        return np.concatenate([self.heads, self.tails])

    @property
    def mean(self) -> float:
        """The mean rank."""
        return float(self.both.mean())

    @property
    def mrr(self) -> float:
        """The mean of 1 / rank."""
        return float((1 / self.both).mean())

    def hits(self, k: int) -> float:
        """The share of ranks up to k."""
        return float((self.both <= k).mean())


@torch.inference_mode()
def ranks(model: TripleScorer, asked: Columns, n_entities: int, known: Columns | None = None, device: torch.device | str = "cpu") -> Ranks:
    """The ranks of some triples.

    Args:
        model: scores triples.
        asked: the triples, one at least.
        n_entities: how many entities could be at each end.
        known: all triples that are true, of every part, which are left out of the count; None: raw ranks. The asked ones need not be among
            them.
        device: of the model.

    Raises:
        TurretError: a score is not a number.
    """
    heads, relations, tails = (np.asarray(ids, dtype=np.int64) for ids in asked)
    at_head = _Side(n_entities, known if known is None else (known[2], known[1], known[0]))
    at_tail = _Side(n_entities, known)

    def with_head(given: Tensor, relation: Tensor, ends: Tensor) -> Tensor:
        """One triple a row, since a model need take no more than one head a row."""
        flat = ends.reshape(-1, 1), relation.expand(ends.shape).reshape(-1, 1), given.expand(ends.shape).reshape(-1, 1)
        return model.score_triples(*flat).view(ends.shape)

    return Ranks(at_head(with_head, tails, relations, heads, device), at_tail(model.score_triples, heads, relations, tails, device))


class _Side:
    """Ranks as to one end of triples.

    Args:
        n_entities: N.
        known: the other ends, relations and ends of true triples; None: none are left out.
    """

    def __init__(self, n_entities: int, known: Columns | None) -> None:
        self.n_entities = n_entities
        given, relation, end = (np.empty(0, np.int64),) * 3 if known is None else (np.asarray(ids, dtype=np.int64) for ids in known)
        self.n_relations = int(relation.max(initial=-1)) + 1
        keys = given * self.n_relations + relation
        order = np.argsort(keys, kind="stable")
        self.keys, self.ends = keys[order], end[order]

    def __call__(self, score: Score, given: IntArray, relation: IntArray, end: IntArray, device: torch.device | str) -> FloatArray:
        """float64 [n], for the other ends, relations and ends of n triples."""
        found = [np.empty(0)]
        rows = max(1, BLOCK // self.n_entities)
        for start in range(0, len(end), rows):
            some = slice(start, start + rows)
            scores = self._scores(score, given[some], relation[some], device)
            right = torch.from_numpy(end[some]).to(device)[:, None]
            own = scores.gather(1, right)
            counted = self._counted(given[some], relation[some]).to(device).scatter(1, right, False)
            above, level = ((scores > own) & counted).sum(dim=1), ((scores == own) & counted).sum(dim=1)
            found.append((1 + above + level / 2).double().cpu().numpy())
        return np.concatenate(found)

    def _scores(self, score: Score, given: IntArray, relation: IntArray, device: torch.device | str) -> Tensor:
        """float [B, N]."""
        others, relations = (torch.from_numpy(ids).to(device)[:, None] for ids in (given, relation))
        everyone = torch.arange(self.n_entities, device=device)
        blocks = [score(others, relations, block.expand(len(given), -1)) for block in torch.split(everyone, BLOCK)]
        scores = torch.cat(blocks, dim=1)
        if scores.isnan().any():
            raise TurretError(f"the model's scores of triples are not all numbers{DIVERGED}")
        return scores

    def _counted(self, given: IntArray, relation: IntArray) -> Tensor:
        """bool [B, N] whether an entity at the end makes no triple that is known to be true."""
        counted = np.ones((len(given), self.n_entities), dtype=bool)
        wanted = np.where(relation < self.n_relations, given * self.n_relations + relation, -1)
        first, last = np.searchsorted(self.keys, wanted, "left"), np.searchsorted(self.keys, wanted, "right")
        lengths = last - first
        places = np.arange(lengths.sum()) + np.repeat(first - (lengths.cumsum() - lengths), lengths)
        counted[np.repeat(np.arange(len(given)), lengths), self.ends[places]] = False
        return torch.from_numpy(counted)
