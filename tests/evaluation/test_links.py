"""Ranks of triples against a loop over all entities, and a planted graph that each translation completes."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.batches.triples import FactBatches
from turret.core.contracts import Step
from turret.core.errors import TurretError
from turret.evaluation import links
from turret.evaluation.links import Columns, Ranks, ranks
from turret.losses.pairwise import hinge
from turret.nn.translation import TRANSLATIONS, TranslationName
from turret.training.objectives.facts import AgainstFalse

N, R = 7, 2


class Tabled:
    """A scorer of triples that looks them up, with many ties."""

    def __init__(self, seed: int = 0) -> None:
        self.table = torch.randint(4, (N, R, N), generator=torch.Generator().manual_seed(seed)).double()

    def score_triples(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        assert heads.shape[1] == relations.shape[1] == 1
        return self.table[heads, relations, tails]


def columns(triples: list[tuple[int, int, int]]) -> Columns:
    head, relation, tail = (np.array(column, np.int32) for column in zip(*triples, strict=True))
    return head, relation, tail


def counted_out(model: Tabled, asked: list[tuple[int, int, int]], known: set[tuple[int, int, int]]) -> Ranks:
    heads, tails = [], []
    for h, r, t in asked:
        own = float(model.table[h, r, t])
        for found, others in (
            (heads, [(e, r, t) for e in range(N) if e != h and (e, r, t) not in known]),
            (tails, [(h, r, e) for e in range(N) if e != t and (h, r, e) not in known]),
        ):
            scores = [float(model.table[other]) for other in others]
            found.append(1 + sum(score > own for score in scores) + sum(score == own for score in scores) / 2)
    return Ranks(np.array(heads), np.array(tails))


@pytest.fixture
def graph() -> list[tuple[int, int, int]]:
    drawn = np.unique(np.random.default_rng(0).integers(0, (N, R, N), size=(30, 3)), axis=0)
    return [(int(h), int(r), int(t)) for h, r, t in drawn]


@pytest.mark.parametrize("block", [1 << 17, 14, 3])
def test_ranks_raw_and_filtered(graph: list[tuple[int, int, int]], block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "BLOCK", block)  # all at once; two triples a block; entities by threes
    model, asked = Tabled(), [*graph[::3], (6, 1, 6)]
    for known in (None, columns(graph), columns([triple for triple in graph if triple[1] == 0])):
        true = set() if known is None else set(zip(*(column.tolist() for column in known), strict=True))
        expected, found = counted_out(model, asked, true), ranks(model, columns(asked), N, known)
        np.testing.assert_array_equal(found.heads, expected.heads)
        np.testing.assert_array_equal(found.tails, expected.tails)


def test_measures() -> None:
    found = Ranks(np.array([1.0, 4.0]), np.array([2.5, 1.0]))
    assert found.mean == pytest.approx((1 + 4 + 2.5 + 1) / 4)
    assert found.mrr == pytest.approx((1 + 1 / 4 + 1 / 2.5 + 1) / 4)
    assert (found.hits(1), found.hits(2), found.hits(3), found.hits(10)) == (0.5, 0.5, 0.75, 1.0)


def test_who_scores_all_alike_stands_in_the_middle() -> None:
    model = Tabled()
    model.table.zero_()
    found = ranks(model, columns([(0, 0, 1), (3, 1, 3)]), N)
    assert found.both.tolist() == [(N + 1) / 2] * 4


def test_what_is_no_number_is_said_to_be_none() -> None:
    model = Tabled()
    model.table[2, 0, 5] = torch.nan
    with pytest.raises(TurretError, match="not all numbers"):
        ranks(model, columns([(2, 0, 1)]), N)


SIDE = 8


def lattice() -> tuple[list[tuple[int, int, int]], int]:
    """Points of a square, and what is below, to the right, and both: each relation is a translation."""
    triples = []
    for x in range(SIDE):
        for y in range(SIDE):
            for relation, (dx, dy) in enumerate(((1, 0), (0, 1), (1, 1))):
                if x + dx < SIDE and y + dy < SIDE:
                    triples.append((x * SIDE + y, relation, (x + dx) * SIDE + y + dy))
    return triples, SIDE * SIDE


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_a_translation_completes_a_lattice(name: TranslationName) -> None:
    """What it learnt from stands near the top, and what was kept from it far above the middle of the 64 points, where chance puts it."""
    triples, n_entities = lattice()
    kept = np.random.default_rng(1).permutation(len(triples))
    asked, learnt = (columns([triples[place] for place in places]) for places in (kept[:20], kept[20:]))
    torch.manual_seed(0)
    model = TRANSLATIONS[name](n_entities, 3, 8)
    before = ranks(model, asked, n_entities, columns(triples))
    batches = FactBatches(*learnt, n_entities, batch_size=64, negatives=2, replaced="bernoulli")
    objective, generator = AgainstFalse(partial(hinge, margin=0.3)), torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(60):
        for batch in batches.epoch(generator):
            optimizer.zero_grad()
            objective(model, batch, Step(0, generator)).backward()
            optimizer.step()
    assert before.mean > 25
    assert ranks(model, learnt, n_entities, columns(triples)).mean < 6
    assert ranks(model, asked, n_entities, columns(triples)).mean < 0.75 * before.mean
