from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from turret.graphs.dropping import edges_kept, edges_of_nodes_kept
from turret.graphs.edges import Edges, distinct

N_ROWS, N_COLUMNS = 300, 200
WAYS = [edges_kept, edges_of_nodes_kept]
Way = Callable[[Edges, float, torch.Generator], Tensor]


@pytest.fixture(scope="module")
def edges() -> Edges:
    generator = np.random.default_rng(0)
    pairs = distinct(generator.integers(0, N_ROWS, 5000), generator.integers(0, N_COLUMNS, 5000), N_COLUMNS)
    return Edges(*pairs, (N_ROWS, N_COLUMNS))


def drawn(way: Way, edges: Edges, rate: float, seed: int) -> Tensor:
    return way(edges, rate, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("way", WAYS)
def test_a_draw_follows_from_its_seed(way: Way, edges: Edges) -> None:
    assert torch.equal(drawn(way, edges, 0.3, 1), drawn(way, edges, 0.3, 1))
    assert not torch.equal(drawn(way, edges, 0.3, 1), drawn(way, edges, 0.3, 2))


@pytest.mark.parametrize("way", WAYS)
def test_nothing_goes_at_rate_0_and_everything_at_1(way: Way, edges: Edges) -> None:
    assert drawn(way, edges, 0.0, 1).all()
    assert not drawn(way, edges, 1.0, 1).any()


def test_as_many_edges_stay_as_the_rate_says(edges: Edges) -> None:
    kept = drawn(edges_kept, edges, 0.3, 1).double().mean()
    assert abs(kept - 0.7) < 4 * np.sqrt(0.3 * 0.7 / len(edges))


def test_every_edge_is_as_likely_to_stay_and_independent_of_its_neighbours(edges: Edges) -> None:
    draws = torch.stack([drawn(edges_kept, edges, 0.3, seed) for seed in range(400)]).double()
    assert (draws.mean(dim=0) - 0.7).abs().max() < 5 * np.sqrt(0.3 * 0.7 / 400)
    together = (draws[:, 1:] * draws[:, :-1]).mean()
    assert abs(together - 0.49) < 0.005


def test_an_edge_goes_exactly_with_one_of_its_nodes(edges: Edges) -> None:
    kept = drawn(edges_of_nodes_kept, edges, 0.3, 1)
    generator = torch.Generator().manual_seed(1)
    rows = torch.rand(N_ROWS, generator=generator) >= 0.3
    columns = torch.rand(N_COLUMNS, generator=generator) >= 0.3
    expected = [bool(rows[r] and columns[c]) for r, c in zip(edges.rows.tolist(), edges.columns.tolist(), strict=True)]
    assert kept.tolist() == expected
    assert 0.5 < rows.double().mean() < 0.9 and 0.5 < columns.double().mean() < 0.9


def test_a_node_without_edges_left_has_zeros(edges: Edges) -> None:
    kept = edges.rows != 7
    assert not edges.symmetric(kept)(torch.ones(N_COLUMNS, 2))[7].any()
