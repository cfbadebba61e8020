"""True triples against false ones: alone, and beside pairs."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from turret.batches.triples import Facts, PositivesWithFacts
from turret.core.context import Context, Encoded, Positives
from turret.core.contracts import Step
from turret.losses.full import softmax_cross_entropy
from turret.losses.pairwise import bpr, hinge
from turret.losses.sampled import sampled_softmax
from turret.nn.two_tables import TwoTables
from turret.scorers.dot import Dot
from turret.training.objectives.beside import Beside
from turret.training.objectives.facts import AgainstFalse, FactsBeside

SCORES = torch.tensor([[2.0, 1.5, 0.0], [0.0, 3.0, -1.0]])
STEP = Step(0, torch.Generator().manual_seed(0))


class Fixed:
    def score_triples(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        return SCORES


def facts(mask: Tensor | None = None) -> Facts:
    ends = torch.zeros(2, 1, dtype=torch.int64)
    return Facts(ends, ends, torch.zeros(2, 3, dtype=torch.int64), mask)


def test_the_mean_over_facts() -> None:
    loss = AgainstFalse(partial(hinge, margin=1.0))
    assert loss(Fixed(), facts(), STEP).item() == pytest.approx(((0.5 + 0) / 2 + (4 + 0) / 2) / 2)
    counts = torch.tensor([[True, True], [False, False]])
    assert loss(Fixed(), facts(counts), STEP).item() == pytest.approx((0.5 / 2 + 0) / 2)


def test_a_loss_that_asks_how_likely_draws_were_shows() -> None:
    assert AgainstFalse(sampled_softmax)(Fixed(), facts(), STEP).isnan()


def test_beside_pairs() -> None:
    model: Any = TwoTables(2, 3, 4, Dot())
    model.score_triples = Fixed().score_triples
    batch = PositivesWithFacts(Context(users=torch.tensor([0, 1])), torch.tensor([2, 1]), facts=facts())

    def main(model: Any, batch: Positives, step: Step) -> Tensor:
        encoded: Encoded = model.encode()
        scores = model.scorer.all(model.query(batch.context, encoded).vector, encoded.items.dense())
        return softmax_cross_entropy(scores, batch.target)

    alone, beside = main(model, batch, STEP), AgainstFalse(bpr)
    assert beside(model, batch.facts, STEP) > 0
    together = Beside(main, [(0.3, FactsBeside(beside))])(model, batch, STEP)
    torch.testing.assert_close(together, alone + 0.3 * beside(model, batch.facts, STEP))
