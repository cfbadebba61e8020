from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.graphs.hypergraph import Hypergraph


@given(n=st.integers(0, 25), shape=st.tuples(st.integers(1, 6), st.integers(1, 6)), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=40)
def test_a_node_has_the_mean_over_its_hyperedges_of_their_means(n: int, shape: tuple[int, int], seed: int) -> None:
    generator = np.random.default_rng(seed)
    nodes, hyperedges = generator.integers(0, shape[0], n), generator.integers(0, shape[1], n)
    members = [sorted({int(v) for v, e in zip(nodes, hyperedges, strict=True) if e == edge}) for edge in range(shape[1])]
    x = torch.randn(shape[0], 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed), requires_grad=True)
    expected = []
    for node in range(shape[0]):
        means = [x[inside].mean(dim=0) for inside in members if node in inside]
        expected.append(torch.stack(means).mean(dim=0) if means else torch.zeros(3, dtype=torch.float64))
    reference = torch.stack(expected)
    graph = Hypergraph(nodes, hyperedges, shape)
    torch.testing.assert_close(graph(x), reference, rtol=1e-6, atol=1e-6)
    upstream = torch.randn(reference.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((graph(x) * upstream).sum(), x)
    (wanted,) = torch.autograd.grad((reference * upstream).sum(), x, allow_unused=True) if reference.requires_grad else (None,)
    torch.testing.assert_close(gradient, torch.zeros_like(x) if wanted is None else wanted, rtol=1e-6, atol=1e-6)
