"""Lists and comparisons against plain sorting, on the processor's route and on the one for other devices."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.interactions import Ragged
from turret.evaluation.topk import _best_keys, _compare_on_device, _items_of, compare, top_k

score = st.sampled_from([-math.inf, -2.0, -0.0, 0.0, 1e-30, 1.0, 3.5, math.nan, math.inf])


def ragged(rows: list[list[int]]) -> Ragged:
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return Ragged(offsets, np.array([item for row in rows for item in row], dtype=np.int32))


@st.composite
def scored(draw: st.DrawFn) -> tuple[list[list[float]], list[list[int]]]:
    width = draw(st.integers(1, 100))
    rows = draw(st.lists(st.lists(score, min_size=width, max_size=width), min_size=1, max_size=3))
    return rows, [sorted(draw(st.sets(st.integers(0, width - 1), max_size=6))) for _ in rows]


def plain_top_k(row: list[float], excluded: list[int], k: int) -> list[int]:
    named = [item for item, value in enumerate(row) if value > -math.inf and item not in excluded]
    return (sorted(named, key=lambda item: (-row[item], item))[:k] + [-1] * k)[:k]


def device_top_k(scores: torch.Tensor, cuts: list[int], k: int, excluded: Ragged) -> np.ndarray:
    keys, base = torch.empty(0), 0
    for block in torch.tensor_split(scores, cuts, dim=1):
        keys, base = _best_keys(block, base, excluded, k, keys), base + block.shape[1]
    return _items_of(keys, np.full((len(scores), k), -1, dtype=np.int32))


@settings(deadline=None, max_examples=60)
@given(scored(), st.integers(1, 110), st.lists(st.integers(1, 99), max_size=3))
def test_the_best_items_first_and_of_equals_the_lower_id(world: tuple[list[list[float]], list[list[int]]], k: int, cuts: list[int]) -> None:
    rows, excluded = world
    scores = torch.tensor(rows, dtype=torch.float32)
    cuts = sorted({cut for cut in cuts if cut < scores.shape[1]})
    expected = [plain_top_k(row, barred, k) for row, barred in zip(rows, excluded, strict=True)]
    before = scores.clone()
    assert top_k(torch.tensor_split(scores, cuts, dim=1), k, ragged(excluded)).tolist() == expected
    assert device_top_k(scores, cuts, k, ragged(excluded)).tolist() == expected
    assert torch.equal(before.nan_to_num(7.0), scores.nan_to_num(7.0)), "scores are read, never written"


@settings(deadline=None, max_examples=60)
@given(scored(), st.data())
def test_comparisons_count_what_is_above_and_level(world: tuple[list[list[float]], list[list[int]]], data: st.DataObject) -> None:
    rows, excluded = world
    free = [[item for item in range(len(row)) if item not in barred] for row, barred in zip(rows, excluded, strict=True)]
    asked = [sorted(data.draw(st.sets(st.sampled_from(items), max_size=5))) if items else [] for items in free]
    above, level, candidates = [], [], []
    for row, items, wanted in zip(rows, free, asked, strict=True):
        scores = [row[item] for item in items if row[item] > -math.inf]
        candidates.append(len(scores))
        for item in wanted:
            has = row[item] > -math.inf
            above.append(sum(other > row[item] for other in scores) if has else 0)
            level.append(sum(other == row[item] for other in scores) if has else 0)
    for route in (compare, _compare_on_device):
        found = route(torch.tensor(rows, dtype=torch.float32), ragged(asked), ragged(excluded))
        assert [column.tolist() for column in found] == [above, level, candidates]


def test_a_view_that_repeats_one_row_is_ranked_like_a_copy() -> None:
    row = torch.arange(10.0)
    assert top_k([row.expand(3, 10)], 2, ragged([[], [9], [8, 9]])).tolist() == [[9, 8], [8, 7], [7, 6]]


def test_large_blocks_in_half_precision_and_on_several_threads() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(700, 900, generator=generator)
    excluded = ragged([sorted(row[:30].tolist()) for row in scores.argsort(dim=1, descending=True)])
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        lists = top_k([scores], 25, excluded)
        halved = top_k([scores.bfloat16()], 25, excluded)
    finally:
        torch.set_num_threads(threads)
    masked = scores.clone()
    for user in range(len(scores)):
        masked[user, torch.from_numpy(excluded[user]).long()] = -torch.inf
    assert np.array_equal(lists, masked.topk(25).indices.numpy())
    assert np.array_equal(halved, top_k([scores.bfloat16().float()], 25, excluded))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_device_gives_the_same_lists() -> None:
    scores = torch.randint(0, 50, (300, 5000), generator=torch.Generator().manual_seed(1)).float()
    excluded = ragged([[user, user + 1] for user in range(300)])
    assert np.array_equal(top_k([scores.cuda()], 50, excluded), top_k([scores], 50, excluded))
