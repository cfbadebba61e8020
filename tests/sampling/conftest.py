"""What tests of samplers share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from turret.core.context import Encoded
from turret.core.contracts import Scorer, Targets
from turret.core.interactions import Interactions
from turret.nn.tables import Computed
from turret.scorers.dot import Dot


@pytest.fixture
def fits() -> Callable[[Tensor, Tensor], None]:
    """`fits(items, log_prob)`: asserts that each row of draws, int64 [T, N], has the frequencies that exp(`log_prob`), [T, I], says."""

    def check(items: Tensor, log_prob: Tensor) -> None:
        probability = log_prob.double().exp().numpy()
        assert np.allclose(probability.sum(axis=1), 1, atol=1e-5)
        for drawn, p in zip(items.numpy(), probability, strict=True):
            found, expected = np.bincount(drawn, minlength=len(p)), len(drawn) * p / p.sum()
            order = np.argsort(expected)
            # rare items together, so that each cell has what the approximation by chi-square needs
            cell = np.minimum(np.cumsum(expected[order]) // 10, 10**6)
            starts = np.flatnonzero(np.r_[True, np.diff(cell) > 0])
            starts = starts[:-1] if len(starts) > 1 and expected[order][starts[-1] :].sum() < 10 else starts
            observed, wanted = np.add.reduceat(found[order], starts), np.add.reduceat(expected[order], starts)
            assert not observed[wanted == 0].any()
            observed, wanted = observed[wanted > 0], wanted[wanted > 0]
            if len(wanted) > 1:
                assert stats.chisquare(observed, wanted * observed.sum() / wanted.sum()).pvalue > 1e-4

    return check


@pytest.fixture
def asked() -> Callable[..., Targets]:
    """`asked(items, query)`: targets over item vectors [I, D] for queries [T, D]."""

    def make(
        items: Tensor, query: Tensor, scorer: Scorer | None = None, target: Tensor | None = None, users: Tensor | None = None
    ) -> Targets:
        target = torch.zeros(len(query), dtype=torch.int64) if target is None else target
        return Targets(target, users, query, Encoded(Computed(items)), scorer or Dot())

    return make


@pytest.fixture
def answers() -> Callable[..., Targets]:
    """`answers(items, users, places)`: targets for samplers that look at no vectors, from whatever can be an id."""

    def make(items: object, users: object = None, places: object = None) -> Targets:
        ids, who, where = (None if values is None else torch.as_tensor(values, dtype=torch.int64) for values in (items, users, places))
        assert ids is not None
        return Targets(ids, who, torch.zeros(len(ids), 1), Encoded(Computed(torch.zeros(1, 1))), Dot(), where)

    return make


@pytest.fixture
def took() -> Callable[[dict[int, list[int]], int], Interactions]:
    """`took({user: items}, n_items)`: who took what."""

    def make(pairs: dict[int, list[int]], n_items: int) -> Interactions:
        user = np.array([u for u, items in pairs.items() for _ in items], dtype=np.int32)
        item = np.array([i for items in pairs.values() for i in items], dtype=np.int32)
        return Interactions(user, item, max(pairs) + 1, n_items)

    return make
