"""Exact search against NumPy in float64, for every metric and with every filter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.core.interactions import Ragged
from turret.index.exact import Exact

METRICS = ("inner_product", "cosine", "euclidean")


def ragged(rows: Sequence[Sequence[int]]) -> Ragged:
    return Ragged(np.cumsum([0, *(len(row) for row in rows)]), np.array([item for row in rows for item in row], dtype=np.int64))


def scores_of(queries: np.ndarray, vectors: np.ndarray, metric: str) -> np.ndarray:
    q, v = queries.astype(np.float64), vectors.astype(np.float64)
    if metric == "euclidean":
        return -np.linalg.norm(q[:, None] - v, axis=2)
    products = q @ v.T
    if metric == "inner_product":
        return products
    lengths = np.linalg.norm(q, axis=1)[:, None] * np.linalg.norm(v, axis=1)
    return np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)


def by_sorting(scores: np.ndarray, ids: np.ndarray, k: int, barred: Sequence[Sequence[int]], allowed: set[int] | None) -> list[list[int]]:
    lists = []
    for row, without in zip(scores, barred, strict=True):
        order = sorted(range(len(ids)), key=lambda at: (-row[at], ids[at]))
        named = [int(ids[at]) for at in order if ids[at] not in set(without) and (allowed is None or int(ids[at]) in allowed)]
        lists.append((named + [-1] * k)[:k])
    return lists


@pytest.mark.parametrize("metric", METRICS)
def test_it_finds_what_sorting_finds(metric: str) -> None:
    rng = np.random.default_rng(0)
    vectors, queries = rng.standard_normal((400, 16)), rng.standard_normal((530, 16))  # more than a piece of work
    ids = rng.permutation(10_000)[:400]
    barred = [rng.choice(ids, rng.integers(0, 50)).tolist() for _ in queries]
    allowed = rng.choice(ids, 200, replace=False)
    index = Exact(vectors, metric, ids)  # type: ignore[arg-type]
    found = index.search(queries, 7, ragged(barred), allowed)
    scores = scores_of(queries, vectors, metric)
    assert found.items.tolist() == by_sorting(scores, ids, 7, barred, set(allowed.tolist()))
    at = {item: place for place, item in enumerate(ids.tolist())}
    expected = np.array([[row[at[item]] for item in items] for row, items in zip(scores, found.items.tolist(), strict=True)])
    np.testing.assert_allclose(found.scores, expected, atol=1e-5)
    assert (found.items.dtype, found.scores.dtype) == (np.int32, np.float32)


# Small whole numbers, whose scores float32 holds exactly, with many ties, duplicates and zeros.
small = st.integers(-3, 3)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_ties_filters_and_sizes_of_any_kind(data: st.DataObject) -> None:
    items, width, queries = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 3)), data.draw(st.integers(0, 4))
    metric = data.draw(st.sampled_from(("inner_product", "euclidean")))
    table = st.lists(small, min_size=width, max_size=width)
    vectors = np.array(data.draw(st.lists(table, min_size=items, max_size=items)), dtype=np.float64)
    asked = np.array(data.draw(st.lists(table, min_size=queries, max_size=queries)), dtype=np.float64).reshape(queries, width)
    ids = np.array(data.draw(st.lists(st.integers(0, 20), min_size=items, max_size=items, unique=True)))
    barred = data.draw(st.lists(st.lists(st.integers(0, 20), max_size=6), min_size=queries, max_size=queries))
    allowed = data.draw(st.none() | st.lists(st.integers(0, 20), max_size=12))
    k = data.draw(st.integers(1, 10))
    found = Exact(vectors, metric, ids).search(asked, k, ragged(barred), None if allowed is None else np.array(allowed, dtype=np.int64))
    expected = by_sorting(scores_of(asked, vectors, metric), ids, k, barred, None if allowed is None else set(allowed))
    assert found.items.tolist() == expected
    assert np.array_equal(found.scores == -np.inf, found.items == -1)


def test_vectors_of_length_zero_have_the_cosine_zero() -> None:
    index = Exact([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], "cosine")
    found = index.search([[2.0, 0.0], [0.0, 0.0]], 3)
    assert found.items.tolist() == [[1, 0, 2], [0, 1, 2]]
    assert found.scores.tolist() == [[1, 0, -1], [0, 0, 0]]


def test_long_and_short_vectors_have_a_cosine() -> None:
    found = Exact(np.array([[1e30, 1e30], [1e-30, 0]], dtype=np.float32), "cosine").search([[1e30, 0.0]], 2)
    np.testing.assert_allclose(found.scores, [[1, 0.5**0.5]], rtol=1e-6)


def test_memory_layout_and_number_type_are_no_matter() -> None:
    rng = np.random.default_rng(1)
    wide = rng.standard_normal((50, 12)).astype(np.float32)
    plain = Exact(np.ascontiguousarray(wide[::2, ::3]), "inner_product").search(wide[:5, :4], 5)
    for vectors, queries in ((wide[::2, ::3], wide[:5, :4]), (np.asfortranarray(wide[::2, ::3]), wide[:5, :4].astype(np.float64))):
        found = Exact(vectors, "inner_product").search(queries, 5)
        assert found.items.tolist() == plain.items.tolist()


def test_the_number_of_threads_is_no_matter() -> None:
    import torch

    rng = np.random.default_rng(2)
    index, queries = Exact(rng.standard_normal((500, 8)), "euclidean"), rng.standard_normal((1500, 8))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = index.search(queries, 4)
        torch.set_num_threads(2)
        two = index.search(queries, 4)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(one.items, two.items) and np.array_equal(one.scores, two.scores)


@pytest.mark.parametrize(
    ("vectors", "part"),
    [
        ([[1.0, np.nan]], "vector 0"),
        ([[1.0, 2.0], [np.inf, 1.0]], "vector 1"),
        ([[1e300, 1.0]], "vector 0"),
        ([1.0, 2.0], "a table"),
        ([["a", "b"]], "a table of numbers"),
        (np.zeros((3, 0)), "a table"),
    ],
)
def test_what_are_no_vectors_is_refused(vectors: object, part: str) -> None:
    with pytest.raises(InputError, match=part):
        Exact(vectors, "inner_product")  # type: ignore[arg-type]


def test_what_does_not_fit_is_refused() -> None:
    index = Exact(np.eye(3), "cosine")
    with pytest.raises(InputError, match="width 2 do not go with an index of width 3"):
        index.search(np.eye(2), 1)
    with pytest.raises(InputError, match="at least 1"):
        index.search(np.eye(3), 0)
    with pytest.raises(InputError, match="2 queries do not go with 3"):
        index.search(np.eye(3), 1, ragged([[], []]))
    with pytest.raises(InputError, match="not finite"):
        index.search([[np.nan, 0, 0]], 1)
    with pytest.raises(InputError, match="holds item 2 already"):
        index.add(np.array([5, 2]), np.eye(3)[:2])
    with pytest.raises(InputError, match="given twice"):
        index.add(np.array([5, 5]), np.eye(3)[:2])
    with pytest.raises(InputError, match="between 0"):
        index.add(np.array([-1]), np.eye(3)[:1])
    with pytest.raises(InputError, match="1 ids do not go with 2"):
        index.add(np.array([7]), np.eye(3)[:2])
    with pytest.raises(InputError, match="does not hold item 9"):
        index.remove(np.array([1, 9]))
    assert index.ids.tolist() == [0, 1, 2]


def test_items_come_and_go() -> None:
    rng = np.random.default_rng(3)
    vectors, queries = rng.standard_normal((60, 5)), rng.standard_normal((9, 5))
    index = Exact(vectors[:40], "euclidean", np.arange(40) * 3)
    index.add(np.arange(20) * 3 + 1, vectors[40:])
    index.remove(np.array([0, 1, 30, 31]))
    ids = np.concatenate([np.arange(40) * 3, np.arange(20) * 3 + 1])
    kept = ~np.isin(ids, [0, 1, 30, 31])
    found = index.search(queries, 6)
    assert found.items.tolist() == by_sorting(scores_of(queries, vectors[kept], "euclidean"), ids[kept], 6, [[]] * 9, None)
    index.remove(index.ids)
    assert len(index) == 0 and (index.search(queries, 2).items == -1).all()


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_saved_comes_back(tmp_path: Path, metric: str) -> None:
    rng = np.random.default_rng(4)
    index, queries = Exact(rng.standard_normal((30, 4)), metric, rng.permutation(99)[:30]), rng.standard_normal((3, 4))  # type: ignore[arg-type]
    index.save(tmp_path / "index")
    loaded = Exact.load(tmp_path / "index")
    assert loaded.search(queries, 5).items.tolist() == index.search(queries, 5).items.tolist()
    loaded.add(np.array([100]), rng.standard_normal((1, 4)))
    loaded.save(tmp_path / "index")  # over the files that it is mapped from
    again = Exact.load(tmp_path / "index")
    assert again.search(queries, 31).items.tolist() == loaded.search(queries, 31).items.tolist()
    assert len(list((tmp_path / "index").iterdir())) == 3


def test_an_index_that_was_emptied_is_saved_too(tmp_path: Path) -> None:
    index = Exact(np.eye(2), "inner_product")
    index.remove(np.array([0, 1]))
    index.save(tmp_path)
    assert Exact.load(tmp_path).search(np.eye(2), 1).items.tolist() == [[-1], [-1]]
