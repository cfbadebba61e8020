"""Impressions that went through an LMDB environment, against those that did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from turret.batches import impressions, lmdb_rows
from turret.batches.impressions import ImpressionBatches
from turret.batches.lmdb_rows import LmdbRows, write_lmdb
from turret.core.context import Impressions
from turret.core.errors import InputError
from turret.core.interactions import Interactions
from turret.data.columns import Numbers, Tokens, TokenSets
from turret.data.prepared import Entities, Part, Prepared
from turret.data.vocabulary import Vocabulary

N = 57


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (impressions, lmdb_rows):
        monkeypatch.setattr(module, "BLOCK", 10)


@pytest.fixture
def prepared() -> Prepared:
    row = np.arange(N)
    sizes, names = row % 3, Vocabulary.of(map(str, row))
    features = {
        "row": Tokens((row + 1).astype(np.int32), names),
        "number": Numbers(row.astype(np.float32)),
        "tags": TokenSets(np.concatenate([[0], np.cumsum(sizes)]), np.repeat(row + 1, sizes).astype(np.int32), names),
    }
    log = Interactions(row % 7, row % 5, 7, 5, label=(row % 4 == 0).astype(np.float32))
    users, items = (Entities(Vocabulary.of(map(str, range(n)))) for n in (7, 5))
    return Prepared("log", 7, 5, users, items, {"train": Part(log, features)}, hash="abc")


def same(ours: Iterator[Impressions], theirs: Iterator[Impressions]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one.tokens, other.tokens)
        assert torch.equal(one.floats, other.floats)
        assert torch.equal(one.labels, other.labels)
        assert all(torch.equal(*pair) for name in one.sets for pair in zip(one.sets[name], other.sets[name], strict=True))


@pytest.mark.parametrize("held", [20, 1000])
def test_nothing_changes_on_the_way(prepared: Prepared, tmp_path: Path, held: int) -> None:
    said: list[int] = []
    path = write_lmdb(prepared, tmp_path / "rows", say=said.append)
    assert said == [10, 20, 30, 40, 50, 57]
    ours = ImpressionBatches(prepared, 8, negative_share=0.5, held=held, source=LmdbRows(path, prepared))
    plain = ImpressionBatches(prepared, 8, negative_share=0.5, held=held)
    assert ours.steps() == plain.steps()
    same(ours.epoch(torch.Generator().manual_seed(1)), plain.epoch(torch.Generator().manual_seed(1)))
    same(ours.in_order(), plain.in_order())


def test_any_rows_can_be_read(prepared: Prepared, tmp_path: Path) -> None:
    rows = LmdbRows(write_lmdb(prepared, tmp_path / "rows"), prepared)
    assert (rows.read(7, 23).users == torch.arange(7, 23) % 7).all()
    assert rows.read(7, 23).surroundings.tokens[:, 0].tolist() == list(range(8, 24))


def test_another_dataset_is_refused(prepared: Prepared, tmp_path: Path) -> None:
    path = write_lmdb(prepared, tmp_path / "rows")
    with pytest.raises(InputError, match="dataset is abc, not abd"):
        LmdbRows(path, replace(prepared, hash="abd"))
    with pytest.raises(InputError, match="no LMDB environment"):
        LmdbRows(tmp_path / "absent", prepared)
    with pytest.raises(InputError, match="something already"):
        write_lmdb(prepared, path)
