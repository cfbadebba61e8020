from __future__ import annotations

import numpy as np
import torch

from turret.core.interactions import Interactions
from turret.graphs.bipartite import bipartite, mean_of, propagated


def test_layers_are_powers_of_the_square_matrices_in_turn() -> None:
    generator = np.random.default_rng(0)
    log = Interactions(np.sort(generator.integers(0, 4, 12)), generator.integers(0, 5, 12), 4, 5)
    edges = bipartite(log)
    assert {(int(u), int(i)) for u, i in zip(log.user, log.item, strict=True)} == set(
        zip(edges.rows.tolist(), edges.columns.tolist(), strict=True)
    )
    graphs = [edges.symmetric(), edges.random_walk()]
    users, items = torch.from_numpy(generator.standard_normal((4, 3))), torch.from_numpy(generator.standard_normal((5, 3)))
    layers = propagated(graphs, users, items)
    whole = [torch.cat([users, items])]
    for graph in graphs:
        block = graph(torch.eye(5, dtype=torch.float64))
        adjacency = torch.zeros(9, 9, dtype=torch.float64)
        adjacency[:4, 4:], adjacency[4:, :4] = block, block.T
        whole.append(adjacency @ whole[-1])
    assert len(layers) == 3
    for (found_users, found_items), expected in zip(layers, whole, strict=True):
        torch.testing.assert_close(torch.cat([found_users, found_items]), expected)
    mean_users, mean_items = mean_of(layers[1:])
    torch.testing.assert_close(torch.cat([mean_users, mean_items]), (whole[1] + whole[2]) / 2)
