"""Vectors so long that float32 cannot hold their scores: what has no score is named nowhere, and pushes nothing out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.core.errors import InputError
from turret.core.interactions import Ragged
from turret.index.approximate import Approximate
from turret.index.exact import Exact
from turret.index.metric import Metric
from turret.index.scoring import ranked

METRICS = st.sampled_from(["inner_product", "cosine", "euclidean"])
NUMBERS = st.sampled_from([-3e38, -2.0, -1.0, 0.0, 0.5, 1.0, 3e38])
"""Products of the largest and of their differences are infinite, sums of those are NaN."""


@st.composite
def worlds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    width = draw(st.integers(1, 3))
    vectors = st.lists(NUMBERS, min_size=width, max_size=width)
    sides = (draw(st.lists(vectors, min_size=1, max_size=8)), draw(st.lists(vectors, min_size=1, max_size=3)))
    return np.array(sides[0], dtype=np.float32), np.array(sides[1], dtype=np.float32)


def _far(vectors: np.ndarray) -> bool:
    return bool((np.abs(vectors) > 1e18).any())


@settings(deadline=None, max_examples=150)
@given(worlds(), METRICS, st.integers(1, 10), st.booleans())
def test_no_list_holds_what_has_no_score(world: tuple[np.ndarray, np.ndarray], metric: Metric, k: int, approximate: bool) -> None:
    vectors, queries = world
    if approximate:
        pytest.importorskip("faiss")
    if approximate and metric != "cosine" and (_far(vectors) or _far(queries)):
        with pytest.raises(InputError, match=r"vector \d is longer than 1e\+18"):
            Approximate(vectors, metric, probes=1).search(queries, k)
        return
    index = Approximate(vectors, metric, probes=1) if approximate else Exact(vectors, metric)
    found = index.search(queries, k)
    named = found.items >= 0
    assert (found.scores[named] > -math.inf).all() and (found.scores[~named] == -math.inf).all()
    for row, tops in zip(found.items, found.scores, strict=True):
        keys = [(-score, item) for item, score in zip(row.tolist(), tops.tolist(), strict=True) if item >= 0]
        assert keys == sorted(keys) and len({item for _, item in keys}) == len(keys)


@settings(deadline=None, max_examples=150)
@given(worlds(), st.sampled_from(["inner_product", "euclidean"]), st.integers(1, 10))
def test_a_score_that_is_no_number_pushes_no_other_out(world: tuple[np.ndarray, np.ndarray], metric: Metric, k: int) -> None:
    vectors, queries = world
    every = np.tile(np.arange(len(vectors)), (len(queries), 1))
    nothing = Ragged(np.zeros(len(queries) + 1, dtype=np.int64), np.empty(0, dtype=np.int64))
    ids = np.arange(len(vectors), dtype=np.int32)
    found = ranked(queries, vectors, ids, every, nothing, metric, k)
    alone = [
        [
            ranked(q[None], v[None], ids[:1], np.zeros((1, 1), dtype=int), Ragged(nothing.offsets[:2], nothing.values), metric, 1)
            for v in vectors
        ]
        for q in queries
    ]
    for row, scores in zip(found.items.tolist(), alone, strict=True):
        scored = {item: float(one.scores[0, 0]) for item, one in enumerate(scores) if one.items[0, 0] == 0}
        expected = sorted(scored, key=lambda item: (-scored[item], item))[:k]
        assert row == expected + [-1] * (k - len(expected))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_not_taken_up_nor_asked(value: float) -> None:
    index = Exact(np.eye(3), "inner_product")
    for wrong in (
        lambda: Exact([[1.0], [value]], "cosine"),
        lambda: index.search([[1, 1, value]], 1),
        lambda: index.add(np.array([3]), [[value] * 3]),
    ):
        with pytest.raises(InputError, match=r"vector \d has values that are not finite numbers"):
            wrong()
    assert len(index) == 3


def test_an_index_that_grows_refuses_them_too() -> None:
    pytest.importorskip("faiss")
    index = Approximate(np.eye(3), "inner_product")
    with pytest.raises(InputError, match="vector 1 is longer"):
        index.add(np.array([3, 4]), [[1, 1, 1], [1e30, 0, 0]])
    assert len(index) == 3 and index.search(np.eye(3), 1).items.ravel().tolist() == [0, 1, 2]
    index.add(np.array([3]), [[9e17, 0, 0]])
    assert index.search([[9e17, 0, 0]], 2).items.tolist() == [[3, 0]]
