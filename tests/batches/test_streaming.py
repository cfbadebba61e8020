"""Impressions of a log that is larger than what is held in memory."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

from turret.batches import impressions
from turret.batches.impressions import ImpressionBatches
from turret.core.context import Impressions
from turret.core.interactions import Interactions
from turret.data.columns import Numbers, Tokens, TokenSets
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary

N, BLOCK = 203, 10


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impressions, "BLOCK", BLOCK)


def prepared() -> Prepared:
    """Row r is known by its token r + 1; every fourth is clicked."""
    row = np.arange(N)
    sizes = row % 3
    features = {
        "row": Tokens((row + 1).astype(np.int32), Vocabulary.of(map(str, row))),
        "number": Numbers(row.astype(np.float32)),
        "tags": TokenSets(
            np.concatenate([[0], np.cumsum(sizes)]), np.repeat(row + 1, sizes).astype(np.int32), Vocabulary.of(map(str, row))
        ),
    }
    log = Interactions(row % 7, row % 5, 7, 5, label=(row % 4 == 0).astype(np.float32))
    names = [Entities(Vocabulary.of(map(str, range(n)))) for n in (7, 5)]
    return Prepared("log", 7, 5, names[0], names[1], {"train": Part(log, features)})


def rows_of(batch: Impressions) -> list[int]:
    """Which rows of the log a batch holds, after looking whether all their columns go together."""
    row = batch.tokens[:, 2] - 1
    assert batch.tokens[:, :2].tolist() == [[r % 7 + 1, r % 5 + 1] for r in row.tolist()]
    assert batch.labels[:, 0].tolist() == [float(r % 4 == 0) for r in row.tolist()]
    order = torch.argsort(row)
    assert (batch.floats[order].diff(dim=0) > 0).all()
    ids, mask = batch.sets["tags"]
    assert [each[kept].tolist() for each, kept in zip(ids, mask, strict=True)] == [[r + 1] * (r % 3) for r in row.tolist()]
    return row.tolist()


def epoch(batches: ImpressionBatches, seed: int) -> list[list[int]]:
    return [rows_of(batch) for batch in batches.epoch(torch.Generator().manual_seed(seed))]


@pytest.mark.parametrize("held", [1, 40, 64, 1000])
@pytest.mark.parametrize("batch_size", [1, 7, 64, 500])
def test_an_epoch_holds_every_row_once_in_full_batches(held: int, batch_size: int) -> None:
    batches = ImpressionBatches(prepared(), batch_size, held=held)
    drawn = epoch(batches, 1)
    assert sorted(row for rows in drawn for row in rows) == list(range(N))
    assert [len(rows) for rows in drawn[:-1]] == [batch_size] * (len(drawn) - 1)
    assert len(drawn) == batches.steps()
    assert epoch(batches, 1) == drawn
    assert epoch(batches, 2) != drawn


def test_a_batch_is_drawn_from_as_many_places_as_are_held() -> None:
    """Of 21 blocks four are held at a time: the first rows come from four blocks, mixed, and which four they are is drawn."""
    batches = ImpressionBatches(prepared(), 20, held=4 * BLOCK)
    first = []
    for seed in range(30):
        blocks = [row // BLOCK for row in epoch(batches, seed)[0]]
        assert 2 < len(set(blocks)) <= 4
        assert sum(one != other for one, other in pairwise(blocks)) > 8
        first.append(blocks[0])
    assert len(set(first)) > 8


def test_what_is_drawn_meanwhile_changes_nothing() -> None:
    batches = ImpressionBatches(prepared(), 16, held=40)
    generator, drawn = torch.Generator().manual_seed(3), []
    for batch in batches.epoch(generator):
        torch.rand(5, generator=generator)
        drawn.append(rows_of(batch))
    assert drawn == epoch(batches, 3)


@pytest.mark.parametrize("held", [40, 1000])
def test_the_share_of_rows_without_a_click_is_kept_block_by_block_and_drawn_anew(held: int) -> None:
    batches = ImpressionBatches(prepared(), 16, negative_share=0.3, held=held)
    zeros = Counter(row // BLOCK for row in range(N) if row % 4)
    counted: Counter[int] = Counter()
    early = late = 0.0
    for seed in range(60):
        drawn = epoch(batches, seed)
        assert len(drawn) == batches.steps()
        rows = [row for each in drawn for row in each]
        assert len(set(rows)) == len(rows)
        assert {row for row in rows if row % 4 == 0} == set(range(0, N, 4))
        kept = Counter(row // BLOCK for row in rows if row % 4)
        assert kept == {block: -(-count * 3 // 10) for block, count in zeros.items()}
        counted.update(row for row in rows if row % 4)
        shares = [np.mean([row % 4 == 0 for row in each]) for each in drawn]
        early += float(np.mean(shares[: len(shares) // 2]))
        late += float(np.mean(shares[len(shares) // 2 :]))
    assert abs(early - late) / 60 < 0.03  # what is left out leaves no mark on the order
    assert min(counted[row] for row in range(N) if row % 4) > 5  # 60 * 3/8 or so are expected of each
    assert max(counted.values()) < 45


def test_evaluation_reads_in_the_order_of_the_log() -> None:
    for batch_size in (3, 64, 1000):
        rows = [row for batch in ImpressionBatches(prepared(), batch_size, held=40).in_order() for row in rows_of(batch)]
        assert rows == list(range(N))
