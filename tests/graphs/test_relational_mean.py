"""The mean over edges, each weighed by its relation, against a loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from turret.graphs.relational_mean import RelationalMean
from turret.graphs.relations import TypedEdges

N_NODES, N_RELATIONS, WIDTH = 6, 3, 4


@pytest.mark.parametrize("n", [0, 1, 5, 40])
def test_values_and_gradients_are_those_of_a_loop(n: int) -> None:
    generator = np.random.default_rng(n)
    heads, relations, tails = (generator.integers(0, m, n) for m in (N_NODES - 1, N_RELATIONS, N_NODES))  # the last node is no head
    edges = TypedEdges(heads, relations, tails, N_NODES, N_RELATIONS)
    vectors = [torch.from_numpy(generator.standard_normal((m, WIDTH))).requires_grad_() for m in (N_NODES, N_RELATIONS)]
    upstream = torch.from_numpy(generator.standard_normal((N_NODES, WIDTH)))
    found = RelationalMean(edges)(*vectors)
    triples = list(zip(edges.heads.tolist(), edges.relations.tolist(), edges.tails.tolist(), strict=True))
    rows = []
    for node in range(N_NODES):
        mine = [vectors[1][relation] * vectors[0][tail] for head, relation, tail in triples if head == node]
        rows.append(sum(mine, start=torch.zeros(WIDTH, dtype=torch.float64)) / max(len(mine), 1))
    expected = torch.stack(rows)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)
    if n:
        ours, theirs = (torch.autograd.grad((value * upstream).sum(), vectors) for value in (found, expected))
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)
