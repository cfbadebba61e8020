"""Approximate search with FAISS itself: what it names is allowed and scored right, its lists are full, its recall is what was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.core.interactions import Ragged
from turret.index.approximate import Approximate
from turret.index.exact import Exact
from turret.index.recall import recall, share

pytest.importorskip("faiss")
METRICS = ("inner_product", "cosine", "euclidean")


def ragged(rows: list[list[int]]) -> Ragged:
    return Ragged(np.cumsum([0, *(len(row) for row in rows)]), np.array([item for row in rows for item in row], dtype=np.int64))


def world(items: int = 4000, queries: int = 200, width: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Clusters of items of varied length, and queries near them."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((40, width))
    vectors = centres[rng.integers(0, 40, items)] + 0.4 * rng.standard_normal((items, width))
    asked = centres[rng.integers(0, 40, queries)] + 0.4 * rng.standard_normal((queries, width))
    return vectors * rng.lognormal(0, 0.4, (items, 1)), asked


@pytest.mark.parametrize("metric", METRICS)
def test_looking_into_all_cells_is_exact(metric: str) -> None:
    vectors, queries = world(items=1500)
    index, exact = Approximate(vectors, metric, cells=30, probes=30), Exact(vectors, metric)  # type: ignore[arg-type]
    found, truth = index.search(queries, 10), exact.search(queries, 10)
    assert share(found, truth) > 0.999  # but for what float32 cannot tell apart
    np.testing.assert_allclose(found.scores, truth.scores, rtol=1e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_its_recall_is_what_was_asked_for(metric: str) -> None:
    vectors, queries = world(queries=1000)
    index = Approximate.tuned(vectors, metric, queries[:500], 20, recall_target=0.95)  # type: ignore[arg-type]
    assert index.probes < index.cells.count / 2
    report = recall(index, index.exact, queries[500:], 20)
    assert report.recall > 0.93
    assert (report.k, report.queries) == (20, 500) and report.per_second > 0 and report.exact_per_second > 0
    assert share(index.search(queries[:500], 20), index.exact.search(queries[:500], 20)) >= 0.95
    if index.probes > 1:
        index.probes -= 1
        assert share(index.search(queries[:500], 20), index.exact.search(queries[:500], 20)) < 0.95


def test_a_higher_target_looks_into_more_cells() -> None:
    vectors, queries = world()
    probes = [Approximate.tuned(vectors, "inner_product", queries, 20, recall_target=target).probes for target in (0.5, 0.9, 0.99)]
    assert probes == sorted(probes) and probes[0] < probes[2]


def test_long_vectors_are_found_where_plain_cells_would_miss_them() -> None:
    # One item, far from all others, is the best for every query by its length alone.
    vectors, queries = world()
    vectors[17] = 100 * np.ones(16)
    index = Approximate.tuned(vectors, "inner_product", np.abs(queries), 1, recall_target=1.0)
    assert (index.search(np.abs(queries), 1).items == 17).all()


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_excluded_is_never_named_and_lists_stay_full(metric: str) -> None:
    vectors, queries = world(items=1200, queries=60)
    index, exact = Approximate(vectors, metric, cells=60, probes=1), Exact(vectors, metric)  # type: ignore[arg-type]
    best = exact.search(queries, 1200).items
    # from nothing, over the best of every query, to all items but three
    barred = [row[:size].tolist() for row, size in zip(best, np.linspace(0, 1197, 60).astype(int), strict=True)]
    found = index.search(queries, 10, ragged(barred))
    for row, without in zip(found.items.tolist(), barred, strict=True):
        named = [item for item in row if item >= 0]
        assert not set(named) & set(without)
        assert len(set(named)) == len(named) == min(10, 1200 - len(without))


def test_everything_excluded_leaves_nothing() -> None:
    vectors, queries = world(items=50, queries=3)
    index = Approximate(vectors, "inner_product", cells=5, probes=1)
    found = index.search(queries, 4, ragged([list(range(50)), [], list(range(70))]))
    assert (found.items[[0, 2]] == -1).all() and (found.scores[[0, 2]] == -np.inf).all() and (found.items[1] >= 0).all()


@pytest.mark.parametrize("share_allowed", [0.01, 0.1, 0.3, 0.9])
def test_an_allow_list_is_kept_to(share_allowed: float) -> None:
    vectors, queries = world(queries=50)
    rng = np.random.default_rng(5)
    allowed = rng.choice(4000, int(4000 * share_allowed), replace=False)
    barred = [rng.choice(4000, 100).tolist() for _ in queries]
    index = Approximate(vectors, "inner_product", probes=2)
    found = index.search(queries, 10, ragged(barred), np.append(allowed, 5_000_000))
    assert np.isin(found.items, allowed).all()
    assert not any(set(row) & set(without) for row, without in zip(found.items.tolist(), barred, strict=True))
    assert share(found, index.exact.search(queries, 10, ragged(barred), allowed)) > 0.6
    assert (index.search(queries, 10, None, np.array([], dtype=np.int64)).items == -1).all()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_asked_lists_are_allowed_full_and_in_order(data: st.DataObject) -> None:
    items, width, queries = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 3)), data.draw(st.integers(0, 4))
    seed, k, metric = data.draw(st.integers(0, 99)), data.draw(st.integers(1, 45)), data.draw(st.sampled_from(METRICS))
    rng = np.random.default_rng(seed)
    vectors, asked = rng.integers(-2, 3, (items, width)), rng.integers(-2, 3, (queries, width))  # with duplicates and zeros
    cells = data.draw(st.integers(1, 50))
    barred = data.draw(st.lists(st.lists(st.integers(0, 50), max_size=45), min_size=queries, max_size=queries))
    allowed = data.draw(st.none() | st.lists(st.integers(0, 50), max_size=40, unique=True))
    index = Approximate(vectors, metric, cells=cells, probes=1)
    found = index.search(asked, k, ragged(barred), None if allowed is None else np.array(allowed, dtype=np.int64))
    truth = Exact(vectors, metric).search(asked, items, None)
    scores = [dict(zip(*row, strict=True)) for row in zip(truth.items.tolist(), truth.scores.tolist(), strict=True)]
    for row, tops, without, right in zip(found.items.tolist(), found.scores.tolist(), barred, scores, strict=True):
        may = set(range(items)) - set(without) if allowed is None else set(allowed) & set(range(items)) - set(without)
        named = [item for item in row if item >= 0]
        assert set(named) <= may and len(set(named)) == len(named) == min(k, len(may))
        assert row[len(named) :] == [-1] * (k - len(named))
        assert np.allclose([right[item] for item in named], tops[: len(named)], atol=1e-6)
        keys = [(-score, item) for score, item in zip(tops, named, strict=False)]
        assert keys == sorted(keys)


def test_items_come_and_go() -> None:
    vectors, queries = world(items=2000)
    index = Approximate(vectors[:1500], "inner_product", cells=20, probes=20)
    index.add(np.arange(1500, 2000), vectors[1500:])
    gone = np.arange(0, 2000, 3)
    index.remove(gone)
    kept = np.setdiff1d(np.arange(2000), gone)
    truth = Exact(vectors[kept], "inner_product", kept).search(queries, 10)
    assert share(index.search(queries, 10), truth) > 0.999
    index.add(gone, vectors[gone])
    assert share(index.search(queries, 10), Exact(vectors, "inner_product").search(queries, 10)) > 0.999
    index.remove(np.arange(2000))
    assert len(index) == 0 and (index.search(queries, 3).items == -1).all()
    index.add(np.array([7]), vectors[:1])
    assert (index.search(queries, 2).items == [7, -1]).all()
    index.add(np.array([8]), 9 * vectors[1:2])  # longer than all before, and there are fewer items than cells
    assert (np.sort(index.search(queries, 2).items) == [7, 8]).all()


def test_an_item_longer_than_all_before_is_found() -> None:
    vectors, queries = world(queries=50)
    index = Approximate(vectors, "inner_product", probes=4)
    index.add(np.array([9000]), 50 * queries[:1])
    assert index.search(queries[:1], 1).items.tolist() == [[9000]]


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_saved_comes_back_mapped_and_can_change(tmp_path: Path, metric: str) -> None:
    vectors, queries = world(items=1000, queries=30)
    index = Approximate.tuned(vectors, metric, queries, 5, ids=np.arange(1000) * 2)  # type: ignore[arg-type]
    index.save(tmp_path)
    loaded = Approximate.load(tmp_path)
    assert (loaded.probes, loaded.cells.count, loaded.metric) == (index.probes, index.cells.count, metric)
    first, again = index.search(queries, 5), loaded.search(queries, 5)
    assert np.array_equal(first.items, again.items) and np.array_equal(first.scores, again.scores)
    loaded.add(np.array([1]), queries[:1])
    loaded.remove(np.array([0, 2, 4]))
    loaded.save(tmp_path)  # over the files that it is mapped from
    final = Approximate.load(tmp_path)
    assert len(final) == 998 and np.array_equal(final.search(queries, 5).items, loaded.search(queries, 5).items)
    assert len(list(tmp_path.iterdir())) == 4


def test_the_same_vectors_give_the_same_index_on_any_number_of_threads() -> None:
    import torch

    vectors, queries = world()
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 2):
            torch.set_num_threads(threads)
            found.append(Approximate(vectors, "inner_product", probes=2).search(queries, 10).items)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[1], found[2])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="no items"):
        Approximate(np.empty((0, 3)), "cosine")
    with pytest.raises(InputError, match="not finite"):
        Approximate([[np.nan]], "cosine")
    index = Approximate(np.eye(3), "cosine")
    with pytest.raises(InputError, match="at least 1"):
        index.search(np.eye(3), 0)
    with pytest.raises(InputError, match="does not hold item 3"):
        index.remove(np.array([3]))
    with pytest.raises(InputError, match="holds item 0 already"):
        index.add(np.array([0]), np.eye(3)[:1])
